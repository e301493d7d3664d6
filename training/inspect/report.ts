import { bareName } from '../../src/files/index.ts';
import type { GradientKind, ModelDescription, OperatorDescription } from './inspect.ts';
import { type Provider, providers } from './kernels.ts';

const gradients: Readonly<Record<GradientKind, string>> = {
  rule: 'rule',
  constant: 'no gradient flows',
  none: 'NO RULE',
};

const providerNames: Readonly<Record<Provider, string>> = {
  cpu: 'CPU',
  cuda: 'CUDA',
  webgpu: 'WebGPU',
};

/** A model's description for the terminal. `size` in bytes. */
export function inspectionReport(
  file: string,
  size: number,
  description: ModelDescription,
): string {
  const { inputs, outputs, operators, parameters } = description;
  const opsets = Object.entries(description.opsets)
    .map(([domain, version]) => `${bareName(domain || 'ai.onnx')} ${version}`)
    .join(', ');
  return [
    `${file}: ${megabytes(size)}, IR ${description.ir_version}, opset ${opsets}, by ${bareName(description.producer || 'unknown')}`,
    section('inputs', table(inputs.map(({ name, type, shape }) => [name, type, shape]))),
    section('outputs', table(outputs.map(({ name, type, shape }) => [name, type, shape]))),
    section(`operators (${description.nodes} nodes)`, operatorTable(operators)),
    section(
      `parameters (${parameters.length} tensors, ${description.parameter_count.toLocaleString('en')} elements)`,
      table(parameters.map(({ name, type, shape }) => [name, type, `[${shape.join(', ')}]`])),
    ),
    section('execution providers', providerLines(operators)),
  ].join('\n\n');
}

function operatorTable(operators: readonly OperatorDescription[]): string[] {
  const rows = operators.map(({ operator, count, gradient, kernels }) => [
    operator,
    String(count),
    gradients[gradient],
    kernels
      ? providers
          .filter((provider) => kernels[provider])
          .map((provider) => providerNames[provider])
          .join(', ') || 'none'
      : 'not known',
  ]);
  return table([['operator', 'nodes', 'gradient', 'kernels'], ...rows]);
}

/** For each provider whether it has every kernel, or which nodes fall to the CPU. */
function providerLines(operators: readonly OperatorDescription[]): string[] {
  return providers.map((provider) => {
    const missing = operators.filter(({ kernels }) => kernels && !kernels[provider]);
    const unknown = operators.filter(({ kernels }) => !kernels);
    const parts = [
      missing.length > 0 ? `no kernel for ${names(missing)}` : '',
      unknown.length > 0 ? `not known for ${names(unknown)}` : '',
    ].filter((part) => part !== '');
    return `  ${providerNames[provider].padEnd(6)}  ${parts.join('; ') || 'all operators'}`;
  });
}

function names(operators: readonly OperatorDescription[]): string {
  return operators.map(({ operator }) => bareName(operator)).join(', ');
}

function section(title: string, lines: readonly string[]): string {
  return [title, ...(lines.length > 0 ? lines : ['  none'])].join('\n');
}

/** Cells hold names of the file: they are shown as such. */
function table(cells: readonly (readonly string[])[]): string[] {
  const rows = cells.map((row) => row.map(bareName));
  const widths = (rows[0] ?? []).map((_, i) =>
    rows.reduce((most, row) => Math.max(most, row[i]?.length ?? 0), 0),
  );
  return rows.map((row) =>
    `  ${row.map((cell, i) => cell.padEnd(widths[i] ?? 0)).join('  ')}`.trimEnd(),
  );
}

function megabytes(bytes: number): string {
  return bytes < 1e5 ? `${(bytes / 1e3).toFixed(1)} kB` : `${(bytes / 1e6).toFixed(1)} MB`;
}
