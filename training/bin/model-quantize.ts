import type { Argv } from 'yargs';
import type { QuantizationMetrics } from '../../src/bundle/index.ts';
import { AppError } from '../../src/errors.ts';
import type { QuantizedLayer, QuantizedModel } from '../deploy/quantize/layer.ts';
import { quantizeModel, type Scheme, schemes } from '../deploy/quantize/quantize-model.ts';
import { encodeModel, readModel, requireOpset, writeModel } from '../onnx/codec/index.ts';
import { namePattern } from '../onnx/name-pattern.ts';
import { metricsOf } from '../recipes/delivery/deploy.ts';
import { quantizeFileChecked, quantizeInto } from '../recipes/quantize-bundle.ts';
import { whileWaiting } from '../tracking/index.ts';

export interface QuantizeArguments {
  /** The file, and settings as `key=value`. */
  readonly words: readonly string[];
  readonly out: string | undefined;
  readonly into: string | undefined;
  readonly scheme: Scheme | undefined;
  readonly keep: string | undefined;
  readonly data: string | undefined;
  readonly model: string | undefined;
  readonly json: boolean;
}

export function quantizeOptions<T>(command: Argv<T>): Argv<T & QuantizeArguments> {
  const text = { type: 'string', requiresArg: true } as const;
  return command
    .positional('words', {
      type: 'string',
      array: true,
      default: [] as string[],
      describe: `The fp32 .onnx file, with --out; key=value of ${settingKeys.join(', ')}`,
    })
    .option('out', { ...text, describe: 'The .onnx file to write' })
    .option('into', {
      ...text,
      describe:
        'A bundle: makes or replaces its smaller file from its fp32 file, manifest and card too',
    })
    .option('scheme', {
      choices: schemes,
      requiresArg: true,
      describe:
        'int8 (for --out the default): fastest on CPUs; weight8, weight4: weights in blocks of 8 or 4 bits; fp16: for GPUs. ' +
        'With --into and --data, left out: int8, or weight8 where int8 misses a limit; without --data weight8',
    })
    .option('keep', { ...text, describe: 'PATTERN,…: layers that stay as they are, * is anything' })
    .option('data', {
      ...text,
      describe:
        'A file of labelled texts to hold the result to; with --into and without it nothing is measured',
    })
    .option('model', {
      ...text,
      describe: 'With --out and --data: the bundle whose task and tokenizer it is',
    })
    .option('json', { type: 'boolean', default: false, describe: 'Print one JSON object' })
    .example('$0 quantize model.onnx --out model_quantized.onnx', 'Report the error of the weights')
    .example(
      '$0 quantize models/mbti/onnx/model.onnx --out int8.onnx --model models/mbti --data mbti_1.csv',
      'Write it only if its answers are those of the fp32 model',
    )
    .example(
      '$0 quantize --into models/mbti --data mbti_1.csv quantize.min_agreement=0.985',
      'Give a bundle the 8-bit file that it lacks',
    ) as unknown as Argv<T & QuantizeArguments>;
}

/**
 * Without --data the weights' error is all that is said. With it the result is held to the quantize.* limits, and
 * not written where it misses one: AppError `quantization_refused`.
 */
export async function quantize(args: QuantizeArguments): Promise<void> {
  const { file, settings } = checkedWords(args);
  const screen = args.json ? process.stderr : process.stdout;
  const common = { keep: keeper(args.keep), settings, screen };
  const { into, data } = args;
  if (into !== undefined) {
    const { scheme } = args;
    const changed = await quantizeInto({ ...common, bundle: into, scheme, data });
    print(args, { out: `${into}/${changed.file}`, ...changed, ...changed.quantized });
    return;
  }
  const { out, scheme = 'int8', model: bundle } = args;
  if (file === undefined || out === undefined) throw new AppError('internal', 'no file to write');
  const reading = { label: 'read', what: file };
  const source = await whileWaiting(process.stderr, reading, () => readModel(file));
  requireOpset(source, file);
  let quantized: QuantizedModel;
  let metrics: QuantizationMetrics | undefined;
  if (data !== undefined && bundle !== undefined) {
    const chosen = await quantizeFileChecked(source, { ...common, data, bundle, scheme });
    quantized = chosen.quantized;
    metrics = metricsOf(chosen);
  } else {
    const rounding = { label: 'quantize', what: file };
    quantized = await whileWaiting(process.stderr, rounding, () =>
      quantizeModel(source, { scheme, keep: common.keep }),
    );
  }
  await writeModel(quantized.model, out);
  const size_ratio = encodeModel(quantized.model).length / encodeModel(source).length;
  print(args, { out, ...quantized, metrics: metrics ?? { scheme, size_ratio } });
}

/** What the measurement depends on. */
const settingKeys = [
  'quantize.texts',
  'quantize.min_agreement',
  'quantize.max_mean_dp',
  'quantize.max_dp',
  'quantize.max_f1_drop',
  'limits.max_windows',
  'runtime.threads',
  'seed',
];

/** The file and the settings. AppError `usage` for words and options that do not go together. */
function checkedWords({ words, out, into, data, model }: QuantizeArguments) {
  const settings = words.filter((word) => word.includes('=') && !word.endsWith('.onnx'));
  const [file, ...more] = words.filter((word) => !settings.includes(word));
  const foreign = settings.filter((word) => !settingKeys.includes(word.split('=')[0] ?? ''));
  const unknown = [...foreign, ...more];
  if (unknown.length > 0) {
    throw new AppError(
      'usage',
      `${unknown.join(' ')}: expected one file, and key=value of ${settingKeys.join(', ')}`,
    );
  }
  if (settings.length > 0 && data === undefined) {
    throw new AppError('usage', `${settings.join(' ')}: without --data nothing is measured`);
  }
  if (into !== undefined) {
    const other = file ?? (out && `--out ${out}`) ?? (model && `--model ${model}`);
    if (other === undefined) return { file, settings };
    throw new AppError('usage', `--into ${into} and ${other}: expected one or the other`, {
      hint: "--into takes the bundle's own fp32 file, task and tokenizer",
    });
  }
  if (file === undefined) {
    throw new AppError(
      'usage',
      'nothing to quantize: expected an .onnx file with --out, or --into',
    );
  }
  if (out === undefined || !out.endsWith('.onnx')) {
    throw new AppError(
      'usage',
      `--out is ${out ?? 'missing'}: expected the name of an .onnx file`,
      {
        hint: '--into BUNDLE puts a file into a bundle',
      },
    );
  }
  if ((data === undefined) === (model === undefined)) return { file, settings };
  throw new AppError('usage', '--data and --model belong together: one of them is missing', {
    hint: '--data names labelled texts, --model the bundle whose tokenizer and task they are for',
  });
}

function keeper(patterns: string | undefined): (layer: string) => boolean {
  const list = (patterns ?? '').split(',').filter((pattern) => pattern !== '');
  const expressions = list.map(namePattern);
  return (layer) => expressions.some((expression) => expression.test(layer));
}

interface Written {
  readonly out: string;
  readonly layers: readonly QuantizedLayer[];
  readonly kept: readonly string[];
  readonly metrics: QuantizationMetrics;
}

const WORST = 5;

function print({ json }: QuantizeArguments, { out, layers, kept, metrics }: Written): void {
  if (json) {
    process.stdout.write(`${JSON.stringify({ out, metrics, layers, kept }, null, 2)}\n`);
    return;
  }
  const worst = [...layers].sort((a, b) => b.error - a.error).slice(0, WORST);
  const lines = [
    `wrote ${out}: ${metrics.scheme}, ${layers.length} layers, ${metrics.size_ratio.toFixed(3)} of the size`,
    ...(kept.length === 0 ? [] : [`computed in fp32: ${kept.join(', ')}`]),
    'largest errors of weights, relative:',
    ...worst.map(({ name, op, error }) => `  ${error.toFixed(4)}  ${op.padEnd(6)}  ${name}`),
  ];
  process.stdout.write(`${lines.join('\n')}\n`);
}
