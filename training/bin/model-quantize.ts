import type { Argv } from 'yargs';
import { AppError } from '../../src/errors.ts';
import { encodeModel, readModel, requireOpset, writeModel } from '../onnx/codec/index.ts';
import { namePattern } from '../onnx/name-pattern.ts';
import type { Int8Metrics } from '../recipes/int8/limits.ts';
import { quantizeFileChecked } from '../recipes/quantize-file.ts';
import type { QuantizedLayer } from '../rewrite/quantize/layer.ts';
import { quantizeModel, type Scheme, schemes } from '../rewrite/quantize/quantize-model.ts';
import { whileWaiting } from '../tracking/index.ts';

export interface QuantizeArguments {
  readonly file: string;
  readonly out: string;
  readonly scheme: Scheme;
  readonly keep: string | undefined;
  readonly data: string | undefined;
  readonly model: string | undefined;
  readonly json: boolean;
}

export function quantizeOptions<T>(command: Argv<T>): Argv<T & QuantizeArguments> {
  const text = { type: 'string', requiresArg: true } as const;
  return command
    .positional('file', { type: 'string', demandOption: true, describe: 'The fp32 .onnx file' })
    .option('out', { ...text, demandOption: true, describe: 'The .onnx file to write' })
    .option('scheme', {
      choices: schemes,
      default: 'int8' as const,
      requiresArg: true,
      describe:
        'int8: fastest on CPUs; weight8, weight4: weights in blocks of 8 or 4 bits; fp16: for GPUs',
    })
    .option('keep', { ...text, describe: 'PATTERN,…: layers that stay as they are, * is anything' })
    .option('data', { ...text, describe: 'A file of labelled texts to hold the result to' })
    .option('model', {
      ...text,
      describe: 'With --data: the bundle whose task and tokenizer it is',
    })
    .option('json', { type: 'boolean', default: false, describe: 'Print one JSON object' })
    .example('$0 quantize model.onnx --out model_quantized.onnx', 'Report the error of the weights')
    .example(
      '$0 quantize models/mbti/onnx/model.onnx --out int8.onnx --model models/mbti --data mbti_1.csv',
      'Write it only if its answers are those of the fp32 model',
    ) as unknown as Argv<T & QuantizeArguments>;
}

/**
 * Without --data the weights' error is all that is said. With it the result is held to the quantize.* limits, and
 * not written where it misses one: AppError `quantization_refused`.
 */
export async function quantize(args: QuantizeArguments): Promise<void> {
  requireArguments(args);
  const reading = { label: 'read', what: args.file };
  const source = await whileWaiting(process.stderr, reading, () => readModel(args.file));
  requireOpset(source, args.file);
  const keep = keeper(args.keep);
  if (args.data !== undefined && args.model !== undefined) {
    const { data, model, scheme } = args;
    const screen = args.json ? process.stderr : process.stdout;
    const checked = await quantizeFileChecked(source, {
      data,
      bundle: model,
      scheme,
      keep,
      screen,
    });
    if (checked.refusal) throw checked.refusal;
    await writeModel(checked.quantized.model, args.out);
    print(args, { ...checked.quantized, metrics: checked.metrics });
    return;
  }
  const rounding = { label: 'quantize', what: args.file };
  const quantized = await whileWaiting(process.stderr, rounding, () =>
    quantizeModel(source, { scheme: args.scheme, keep }),
  );
  await writeModel(quantized.model, args.out);
  const size_ratio = encodeModel(quantized.model).length / encodeModel(source).length;
  print(args, { ...quantized, metrics: { size_ratio } });
}

function requireArguments({ out, data, model }: QuantizeArguments): void {
  if (!out.endsWith('.onnx')) {
    throw new AppError('usage', `--out is ${out}: expected the name of an .onnx file`);
  }
  if ((data === undefined) === (model === undefined)) return;
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
  readonly layers: readonly QuantizedLayer[];
  readonly kept: readonly string[];
  readonly metrics: Partial<Int8Metrics> & Pick<Int8Metrics, 'size_ratio'>;
}

const WORST = 5;

function print({ out, json }: QuantizeArguments, { layers, kept, metrics }: Written): void {
  if (json) {
    process.stdout.write(`${JSON.stringify({ out, metrics, layers, kept }, null, 2)}\n`);
    return;
  }
  const worst = [...layers].sort((a, b) => b.error - a.error).slice(0, WORST);
  const lines = [
    `wrote ${out}: ${layers.length} layers, ${metrics.size_ratio.toFixed(3)} of the size`,
    ...(kept.length === 0 ? [] : [`computed in fp32: ${kept.join(', ')}`]),
    'largest errors of weights, relative:',
    ...worst.map(({ name, op, error }) => `  ${error.toFixed(4)}  ${op.padEnd(6)}  ${name}`),
  ];
  process.stdout.write(`${lines.join('\n')}\n`);
}
