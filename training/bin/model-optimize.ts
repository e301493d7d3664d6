import { mkdir } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { Argv } from 'yargs';
import { AppError } from '../../src/errors.ts';
import {
  type OptimizedModel,
  optimizeForInference,
  type PassName,
  passes,
  passSets,
} from '../deploy/optimize.ts';
import { readModel, writeModel } from '../onnx/codec/index.ts';
import type { Model } from '../onnx/model.ts';
import { Random } from '../random.ts';
import { type Agreement, compareModels, openApart } from '../runtime/agreement.ts';
import { whileWaiting } from '../tracking/index.ts';

export interface OptimizeArguments {
  readonly file: string;
  readonly out: string;
  readonly passes: string;
  readonly externalData: boolean;
  readonly report: boolean;
}

/** What float32 leaves of equal computations in another order. */
const TOLERANCE = 1e-5;
const SEED = 1;

const passList = passes.map(({ name, does }) => `  ${name.padEnd(16)} ${does}`).join('\n');

export function optimizeOptions<T>(command: Argv<T>): Argv<T & OptimizeArguments> {
  const text = { type: 'string', requiresArg: true } as const;
  return command
    .positional('file', { type: 'string', demandOption: true, describe: 'The .onnx file' })
    .option('out', { ...text, demandOption: true, describe: 'The .onnx file to write' })
    .option('passes', {
      ...text,
      default: 'standard',
      describe: 'standard, fused, all, or a list: tidy,select-row,…',
    })
    .option('external-data', {
      type: 'boolean',
      default: false,
      describe: 'Keep the weights in OUT.data (always where they take more than 1.9 GB)',
    })
    .option('report', { type: 'boolean', default: false, describe: 'Print one JSON object' })
    .epilogue(
      `standard: ${passSets.standard.join(', ')}; operators that every runtime knows\n` +
        `fused: ${passSets.fused.join(', ')}; also operators of ONNX Runtime's own (com.microsoft)\n\n` +
        `Passes, in the order in which they run:\n${passList}`,
    )
    .example('$0 optimize model.onnx --out model.optimized.onnx', '')
    .example('$0 optimize model.onnx --out fused.onnx --passes fused', '') as unknown as Argv<
    T & OptimizeArguments
  >;
}

export async function optimize(args: OptimizeArguments): Promise<void> {
  const { file, out } = args;
  if (!out.endsWith('.onnx')) {
    throw new AppError('usage', `--out is ${out}: expected the name of an .onnx file`);
  }
  const wanted = passNames(args.passes);
  const showing = <T>(label: string, what: string, work: () => T | Promise<T>) =>
    whileWaiting(process.stderr, { label, what }, work);
  const model = await showing('read', file, () => readModel(file));
  const optimized = await showing('optimize', file, () =>
    optimizeForInference(model, { passes: wanted }),
  );
  const agreement = await showing('verify', 'that outputs are the same', () =>
    compareModels(model, optimized.model, new Random(SEED, 'optimize'), openApart),
  );
  requireAgreement(agreement);
  await mkdir(dirname(out), { recursive: true });
  await showing('write', out, () =>
    writeModel(optimized.model, out, args.externalData ? { externalData: true } : {}),
  );
  const text = args.report
    ? JSON.stringify({ file, out, ...reportOf(model, optimized, agreement) })
    : table(out, model, optimized, agreement);
  process.stdout.write(`${text}\n`);
}

function passNames(words: string): readonly PassName[] {
  const known: readonly PassName[] = passes.map(({ name }) => name);
  if (words === 'all') return known;
  if (words === 'standard' || words === 'fused') return passSets[words];
  const names = words.split(',').map((word) => word.trim());
  const unknown = names.filter((name) => !(known as readonly string[]).includes(name));
  if (unknown.length > 0) {
    throw new AppError(
      'usage',
      `--passes names ${unknown.join(', ')}: expected standard, fused, all, or some of ${known.join(', ')}`,
    );
  }
  return known.filter((name) => names.includes(name));
}

function requireAgreement({ difference }: Agreement): void {
  if (difference === undefined || difference <= TOLERANCE) return;
  throw new AppError(
    'internal',
    `the optimized model differs from the given one by ${difference}: at most ${TOLERANCE} is rounding`,
    { hint: 'nothing was written; --passes leaves passes out, so that the wrong one can be found' },
  );
}

const reportOf = (
  { graph }: Model,
  { model, passes: reports }: OptimizedModel,
  { difference, problem }: Agreement,
) => ({
  nodes: { before: graph.nodes.size, after: model.graph.nodes.size },
  passes: reports,
  max_difference: difference ?? null,
  not_verified: problem ?? null,
});

function table(
  out: string,
  given: Model,
  { model, passes: reports }: OptimizedModel,
  { difference, problem }: Agreement,
): string {
  const rows = reports.map(
    ({ name, matches, nodesBefore, nodesAfter }) =>
      `${name.padEnd(16)} ${String(matches).padStart(7)}   ${nodesBefore} → ${nodesAfter}`,
  );
  const verified =
    difference === undefined
      ? `not verified: ${problem}`
      : `verified: outputs differ by ${difference.toExponential(1)} at most, over random texts with padding`;
  const sizes = `${given.graph.nodes.size} → ${model.graph.nodes.size} nodes`;
  return [`${'pass'.padEnd(16)} matches   nodes`, ...rows, verified, `wrote ${out}: ${sizes}`].join(
    '\n',
  );
}
