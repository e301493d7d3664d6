import { mkdir } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { Argv } from 'yargs';
import { AppError } from '../../src/errors.ts';
import { exportFolder } from '../architectures/index.ts';
import { downloadModel, isHubReference } from '../hub/index.ts';
import { writeModel } from '../onnx/codec/index.ts';
import { elementCount } from '../onnx/tensor.ts';
import { whileWaiting } from '../tracking/index.ts';

export interface ExportArguments {
  readonly from: string;
  readonly out: string;
}

export function exportOptions<T>(command: Argv<T>): Argv<T & ExportArguments> {
  const text = { type: 'string', requiresArg: true, demandOption: true } as const;
  return command
    .option('from', {
      ...text,
      describe: 'The folder (config.json, model.safetensors), or hf:org/repo[@revision]',
    })
    .option('out', { ...text, describe: 'The .onnx file to write' })
    .example('$0 export --from distilbert-base-uncased --out model.onnx', '');
}

export async function exportModel({ from, out }: ExportArguments): Promise<void> {
  if (!out.endsWith('.onnx')) {
    throw new AppError('usage', `--out is ${out}: expected the name of an .onnx file`);
  }
  const folder = isHubReference(from)
    ? await downloadModel(from, { screen: process.stdout })
    : from;
  const exporting = { label: 'export', what: folder };
  const { model, notes } = await whileWaiting(process.stderr, exporting, () =>
    exportFolder(folder),
  );
  await mkdir(dirname(out), { recursive: true });
  const writing = { label: 'write', what: out };
  await whileWaiting(process.stderr, writing, () => writeModel(model, out));
  for (const note of notes) process.stdout.write(`note: ${note}\n`);
  const { graph } = model;
  const elements = graph.initializers
    .filter(({ name }) => /\.(weight|bias)$/.test(name))
    .reduce((sum, { initializer }) => sum + elementCount(initializer?.dims ?? []), 0);
  const outputs = graph.outputs.map(({ name }) => name).join(', ');
  process.stdout.write(
    `wrote ${out}: ${graph.name}, ${elements.toLocaleString('en')} parameters, output ${outputs}\n`,
  );
}
