import type { Argv } from 'yargs';
import { fixedAxes } from '../../src/bundle/index.ts';
import { AppError } from '../../src/errors.ts';
import { onOneLine } from '../../src/files/index.ts';
import {
  type CompileOptions,
  compileArtifacts,
  compileSummary,
  writeArtifacts,
} from '../artifacts/index.ts';
import { readModel } from '../onnx/codec/index.ts';
import type { Model } from '../onnx/model.ts';
import { elementCount } from '../onnx/tensor.ts';
import { whileWaiting } from '../tracking/index.ts';

export interface ArtifactArguments {
  readonly model: string;
  readonly out: string;
  readonly head: 'keep' | 'mlp' | undefined;
  readonly labels: number | undefined;
  readonly loss: 'bce';
  readonly posWeight: string | undefined;
  readonly dropout: number;
  readonly hidden: string | undefined;
  readonly recompute: 'none' | 'layers';
  readonly trainable: string | undefined;
  readonly weightDecay: number;
  readonly maxGradNorm: number;
  readonly precision: 'fp32' | 'fp16';
  readonly accumulate: number;
  readonly seed: number;
}

/** Axes of the default task. */
const DEFAULT_LABELS = 4;
const MOST_LABELS = 64;
/** Characters of a list of names. */
const MOST_SHOWN = 500;

export function artifactOptions<T>(command: Argv<T>): Argv<T & ArtifactArguments> {
  const text = { type: 'string', requiresArg: true } as const;
  const number = { type: 'number', requiresArg: true } as const;
  return command
    .option('model', { ...text, demandOption: true, describe: 'The forward .onnx file' })
    .option('out', { ...text, demandOption: true, describe: 'The folder to write' })
    .option('head', {
      choices: ['keep', 'mlp'] as const,
      requiresArg: true,
      describe:
        "keep the graph's own logits (of a last Sigmoid or Softmax: what it reads), or attach a head to last_hidden_state [keep where there are logits]",
    })
    .option('hidden', {
      type: 'string',
      requiresArg: true,
      describe:
        'The value that a head is attached to, [batch, sequence, width] [last_hidden_state]',
    })
    .option('labels', { ...number, describe: 'Logits of an attached head [4]' })
    .option('loss', {
      choices: ['bce'] as const,
      default: 'bce' as const,
      requiresArg: true,
      describe: 'Binary cross-entropy with logits, the mean over texts and labels',
    })
    .option('pos-weight', {
      ...text,
      describe: "A,B,…: weight of each label's positives in the loss",
    })
    .option('dropout', {
      ...number,
      default: 0,
      describe: 'Dropout, at every place where the source model has it',
    })
    .option('recompute', {
      choices: ['none', 'layers'] as const,
      default: 'none' as const,
      requiresArg: true,
      describe:
        "layers: compute each layer's activations again in the backward pass, for less memory",
    })
    .option('trainable', {
      ...text,
      describe: 'PATTERN,…: parameters to train, * is anything [all]',
    })
    .option('weight-decay', { ...number, default: 0.01, describe: 'Of weights; biases have none' })
    .option('max-grad-norm', { ...number, default: 1, describe: 'Gradients are clipped to it' })
    .option('precision', {
      choices: ['fp32', 'fp16'] as const,
      default: 'fp32' as const,
      requiresArg: true,
      describe: 'Of matrix products in the training graph; fp16 adds the input loss_scale',
    })
    .option('accumulate', {
      ...number,
      default: 1,
      describe: 'Pieces of a batch in train_loop.onnx, whose gradients are averaged',
    })
    .option('seed', { ...number, default: 42, describe: 'Decides an attached head and dropout' })
    .example('$0 artifacts --model model.onnx --out artifacts', '')
    .example(
      '$0 artifacts --model encoder.onnx --out artifacts --head mlp --labels 2',
      '',
    ) as unknown as Argv<T & ArtifactArguments>;
}

export async function makeArtifacts(args: ArtifactArguments): Promise<void> {
  requireNumbers(args);
  const model = await readModel(args.model);
  const { head, labels } = headAndLabels(model, args);
  const options: CompileOptions = {
    head,
    labels,
    posWeight: posWeights(args.posWeight, labels),
    dropout: args.dropout,
    hidden: args.hidden,
    recompute: args.recompute,
    trainable: patterns(args.trainable),
    weightDecay: args.weightDecay,
    maxGradNorm: args.maxGradNorm,
    accumulate: args.accumulate,
    precision: args.precision,
    seed: args.seed,
  };
  const compiling = { label: 'compile', what: args.model };
  const compiled = await whileWaiting(process.stderr, compiling, () =>
    compileArtifacts(model, options),
  );
  const writing = { label: 'write', what: args.out };
  await whileWaiting(process.stderr, writing, () => writeArtifacts(args.out, compiled));
  const lines = [...compileSummary(compiled), ...fixedShapes(model)];
  for (const line of lines) process.stdout.write(`${line}\n`);
  const elements = compiled.parameters.reduce((sum, { shape }) => sum + elementCount(shape), 0);
  process.stdout.write(
    `wrote ${args.out}: ${compiled.parameters.length} trained parameters, ${elements.toLocaleString('en')} elements\n`,
  );
}

/** Of ids alone: other inputs have axes of their own. */
const fixedShapes = ({ graph }: Model): string[] =>
  fixedAxes(graph.inputs.filter(({ type }) => type === 'int64' || type === 'int32')).map(
    (fixed) => `note       ${fixed}: it can be trained and served with no other`,
  );

/** Number options and what they may be. */
const ranges = {
  labels: ['an integer from 1 to 64', (x: number) => isInteger(x, 1, MOST_LABELS)],
  dropout: ['a number from 0 to below 1', (x: number) => x >= 0 && x < 1],
  weightDecay: ['a number from 0 to 1', (x: number) => x >= 0 && x <= 1],
  maxGradNorm: ['a number above 0', (x: number) => x > 0 && Number.isFinite(x)],
  accumulate: ['an integer from 1 to 4096', (x: number) => isInteger(x, 1, 4096)],
  seed: ['an integer from 0 to 4294967295', (x: number) => isInteger(x, 0, 2 ** 32 - 1)],
} as const satisfies Partial<
  Record<keyof ArtifactArguments, readonly [string, (x: number) => boolean]>
>;

function requireNumbers(args: ArtifactArguments): void {
  const problems = Object.entries(ranges).flatMap(([name, [allowed, holds]]) => {
    const value = args[name as keyof typeof ranges];
    if (value === undefined || holds(value)) return [];
    const flag = name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
    return [`--${flag} is ${value}: expected ${allowed}`];
  });
  if (problems.length > 0) throw new AppError('usage', problems.join('\n'));
}

/** The graph's own logits where it has any; else a head of so many labels on its hidden states. */
function headAndLabels({ graph }: Model, args: ArtifactArguments) {
  const logits = graph.outputs.find(({ name }) => name === 'logits');
  const head = args.head ?? (logits ? 'keep' : 'mlp');
  if (head === 'mlp') return { head, labels: args.labels ?? DEFAULT_LABELS };
  if (!logits) {
    const names = onOneLine(graph.outputs.map(({ name }) => name).join(', '), MOST_SHOWN);
    throw new AppError('usage', `${args.model} has no output "logits" to keep, only ${names}`, {
      hint: '--head mlp attaches a head to last_hidden_state',
    });
  }
  const width = logits.shape?.at(-1);
  if (typeof width !== 'number') return { head, labels: args.labels };
  if (args.labels !== undefined && args.labels !== width) {
    throw new AppError(
      'usage',
      `--labels is ${args.labels}, but ${args.model} has ${width} logits`,
    );
  }
  return { head, labels: width };
}

function posWeights(words: string | undefined, labels: number | undefined) {
  if (words === undefined) return undefined;
  const weights = words.split(',').map(Number);
  const valid = weights.every((weight) => weight > 0 && Number.isFinite(weight));
  if (valid && weights.length === (labels ?? weights.length)) return weights;
  throw new AppError(
    'usage',
    `--pos-weight is ${words}: expected ${labels ?? 'some'} numbers above 0, one for each label`,
  );
}

function patterns(words: string | undefined): readonly string[] | undefined {
  return words
    ?.split(',')
    .map((word) => word.trim())
    .filter((word) => word !== '');
}

function isInteger(value: number, least: number, most: number): boolean {
  return Number.isInteger(value) && value >= least && value <= most;
}
