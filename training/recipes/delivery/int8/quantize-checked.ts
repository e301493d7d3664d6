import { AppError } from '../../../../src/errors.ts';
import type { QuantizedModel } from '../../../deploy/quantize/layer.ts';
import { quantizeModel, type Scheme } from '../../../deploy/quantize/quantize-model.ts';
import { smoothModel } from '../../../deploy/quantize/smooth.ts';
import { parityOf } from '../../../evaluate/index.ts';
import { encodeModel } from '../../../onnx/codec/index.ts';
import type { Model } from '../../../onnx/model.ts';
import type { Screen } from '../../../tracking/index.ts';
import { labelTable } from '../split-scores.ts';
import { channelRanges } from './channel-ranges.ts';
import { harmOfLayers, type LayerHarm } from './layer-harm.ts';
import { aimedAt, type Int8Limits, type Int8Metrics, int8Problems } from './limits.ts';
import { firstWindows, type ServedTexts, scoreAsServed } from './score-as-served.ts';

/** A quantized model and its file. */
export interface Encoded {
  readonly bytes: Uint8Array;
  readonly quantized: QuantizedModel;
}

export interface CheckedModel extends Encoded {
  readonly metrics: Int8Metrics;
  /** Of the layers, the worst first; measured only where the plain file misses a limit, or when asked for. */
  readonly harms: readonly LayerHarm[];
  /** Set where the limits are missed whatever stays in fp32: the file is not to be shipped. */
  readonly refusal?: AppError;
}

export interface CheckOptions {
  readonly scheme: Scheme;
  readonly limits: Int8Limits;
  readonly seed: number;
  readonly screen: Screen;
  /** Texts, other than those that are measured, on which the ranges of activations are taken; for int8 alone. */
  readonly calibration?: ServedTexts;
  /** Layers that stay in fp32 from the start. */
  readonly keep?: (layer: string) => boolean;
  /** Bytes of the fp32 file, where they are known already. */
  readonly fp32Size?: number;
  /** The file with nothing kept, where it is made already. */
  readonly plain?: Encoded;
  /** Measures every layer's harm even where all limits are met. */
  readonly ablate?: boolean;
}

/**
 * Quantizes a classifier and holds the result to limits on labelled texts. Where int8 misses one, outliers of
 * activations are moved into weights, as strongly as serves the calibration texts best; then, in every scheme, the harm of
 * each product is measured, and the worst are computed in fp32, as many as it takes up to six; their weights stay 8-bit in the file.
 */
export async function quantizeChecked(
  model: Model,
  texts: ServedTexts,
  options: CheckOptions,
): Promise<CheckedModel> {
  const { scheme, limits, screen, seed, keep } = options;
  const say = (what: string) => screen.write(`${scheme.padEnd(10)} ${what}\n`);
  const reference = await scoreAsServed(model, texts);
  const measured = { reference, texts, seed, size: options.fp32Size ?? encodeModel(model).length };
  let source = model;
  const attempt = (kept: ReadonlySet<string>) =>
    measure(encoded(source, scheme, kept, keep), measured);
  let best = await (options.plain ? measure(options.plain, measured) : attempt(new Set()));
  const aim = aimedAt(limits);
  const passes = () => int8Problems(best.metrics, aim).length === 0;
  if (!passes() && scheme === 'int8' && options.calibration) {
    say('moving outliers of activations into the weights');
    source = await smoothed(model, firstWindows(options.calibration));
    const smooth = await attempt(new Set());
    if (smooth.metrics.mean_dp < best.metrics.mean_dp) best = smooth;
    else source = model;
  }
  if (passes() && !options.ablate) return { ...best, harms: [] };
  say('measuring what each layer alone costs');
  const harms = await harmOfLayers(source, best.quantized, texts, scheme);
  const kept = new Set<string>();
  for (const { name } of harms.slice(0, MOST_IN_FLOATS)) {
    if (passes()) break;
    kept.add(name);
    best = await attempt(kept);
  }
  const problems = int8Problems(best.metrics, limits);
  return {
    ...best,
    harms,
    ...(problems.length === 0 ? {} : { refusal: refusal(scheme, problems, harms) }),
  };
}

/** Strengths that are tried: how much of an outlier a weight takes over. */
const STRENGTHS = [0.5, 0.65, 0.8, 0.95];

/** The model, smoothed with the strength whose int8 answers on the calibration texts lie nearest to its own. */
async function smoothed(model: Model, calibration: ServedTexts): Promise<Model> {
  const ranges = await channelRanges(model, calibration);
  const reference = await scoreAsServed(model, calibration);
  let best: { readonly model: Model; readonly distance: number } | undefined;
  for (const strength of STRENGTHS) {
    const candidate = smoothModel(model, ranges, strength);
    const found = await scoreAsServed(quantizeModel(candidate).model, calibration);
    const distance = found.reduce((sum, p, i) => sum + Math.abs(p - (reference[i] ?? p)), 0);
    if (best === undefined || distance < best.distance) best = { model: candidate, distance };
  }
  return best?.model ?? model;
}

/** Quantizes a model; what is `kept` is computed in fp32 and stored in 8 bits. */
export function encoded(
  model: Model,
  scheme: Scheme,
  kept: ReadonlySet<string> = new Set(),
  keep: (layer: string) => boolean = () => false,
): Encoded {
  const quantized = quantizeModel(model, { scheme, storeOnly: (name) => kept.has(name), keep });
  return { quantized, bytes: encodeModel(quantized.model) };
}

interface Measured {
  /** The fp32 model's probabilities of the texts. */
  readonly reference: Float64Array;
  readonly texts: ServedTexts;
  readonly seed: number;
  /** Bytes of the fp32 file. */
  readonly size: number;
}

async function measure(file: Encoded, { reference, texts, seed, size }: Measured) {
  const { task, examples } = texts;
  const probabilities = await scoreAsServed(file.quantized.model, texts);
  const labels = labelTable(examples, task.axes.length);
  const metrics: Int8Metrics = {
    ...parityOf(task.axes, reference, probabilities, labels, seed),
    size_ratio: file.bytes.length / size,
  };
  return { ...file, metrics };
}

const NAMED_LAYERS = 5;

/** More would make the file slow without making it right. */
const MOST_IN_FLOATS = 6;

function refusal(
  scheme: Scheme,
  problems: readonly string[],
  harms: readonly LayerHarm[],
): AppError {
  const worst = harms.slice(0, NAMED_LAYERS).map((h) => `${h.name} (${h.mean_dp.toFixed(4)})`);
  return new AppError(
    'quantization_refused',
    `the ${scheme} model is not good enough: ${problems.join('; ')}. Mean |Δp| of layers alone, the worst first: ${worst.join(', ')}`,
    {
      hint: 'try another --scheme, or allow more: quantize.min_agreement, max_mean_dp, max_dp, max_f1_drop',
    },
  );
}
