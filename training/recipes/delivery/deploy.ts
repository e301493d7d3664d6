import { type Manifest, modelFiles, type QuantizationMetrics } from '../../../src/bundle/index.ts';
import type { Config } from '../../../src/config/index.ts';
import { AppError } from '../../../src/errors.ts';
import type { Scheme } from '../../deploy/quantize/quantize-model.ts';
import { encodeModel } from '../../onnx/codec/index.ts';
import type { Model } from '../../onnx/model.ts';
import { findDevice } from '../../runtime/index.ts';
import { type Screen, startPhase } from '../../tracking/index.ts';
import {
  type CheckedModel,
  type CheckOptions,
  encoded,
  quantizeChecked,
} from './int8/quantize-checked.ts';
import type { ServedTexts } from './int8/score-as-served.ts';
import { type ServedWindows, type TokenizedText, withinWindows } from './split-scores.ts';

/** Texts on which the ranges of activations are taken for int8, at most. */
export const CALIBRATION_TEXTS = 128;

/** A place that a bundle has for a smaller file, and what may take it: the first that keeps the limits does. */
export interface Place {
  readonly precision: 'int8' | 'fp16';
  readonly candidates: readonly Scheme[];
}

/** A trained model that is made ready to serve. */
export interface Deployed {
  readonly model: Model;
  /** The candidates are held to its answers on these. */
  readonly validation: Omit<ServedTexts, 'threads'>;
  /** Texts, none of which is measured, on which the ranges of activations are taken. */
  readonly calibration: ServedTexts['examples'];
}

/** The smaller files of a bundle, by path where it says so. */
export interface SmallerFiles {
  readonly files: Readonly<Record<string, Uint8Array>>;
  readonly metrics: Pick<NonNullable<Manifest['metrics']>, 'int8' | 'fp16'>;
  /** By path, of the files that were wanted and are not there: why. */
  readonly leftOut: Readonly<Record<string, string>>;
}

/** For each place: candidates → measurement → choice. */
export async function smallerFiles(
  deployed: Deployed,
  config: Config,
  screen: Screen,
  check = quantizeChecked,
): Promise<SmallerFiles> {
  const files: Record<string, Uint8Array> = {};
  const metrics: { [P in Place['precision']]?: QuantizationMetrics } = {};
  const leftOut: Record<string, string> = {};
  for (const place of placesOf(config)) {
    const choice = await choose(place, deployed, config, {
      screen,
      check,
      largest: config.quantize.max_size_ratio,
    });
    const path = modelFiles[place.precision];
    if (choice.chosen) {
      files[path] = choice.chosen.bytes;
      metrics[place.precision] = metricsOf(choice.chosen);
    } else {
      leftOut[path] = choice.reasons.join('; ');
    }
  }
  return { files, metrics, leftOut };
}

/** What the configuration wants beside the fp32 file: an 8-bit one, and for a bundle that GPUs serve a float16 one. */
function placesOf({ quantize, runtime }: Config): Place[] {
  const isForGpus = runtime.precision === 'fp16' || findDevice(runtime.device).provider === 'cuda';
  const wantsHalf = quantize.fp16 === 'auto' ? isForGpus : quantize.fp16 === 'yes';
  return [
    ...(quantize.scheme === 'none' ? [] : [placeOf(quantize.scheme, fallbacks[quantize.scheme])]),
    ...(wantsHalf ? [placeOf('fp16')] : []),
  ];
}

/** What is tried where a scheme misses the limits. weight8 is slower than int8, and rounds activations more finely. */
export const fallbacks: Readonly<Record<Scheme, readonly Scheme[]>> = {
  int8: ['weight8'],
  weight8: [],
  weight4: [],
  fp16: [],
};

/** Where a scheme's file lies. `model_quantized.onnx` is the one with rounded weights, in whichever form. */
export function placeOf(scheme: Scheme, others: readonly Scheme[] = []): Place {
  return { precision: scheme === 'fp16' ? 'fp16' : 'int8', candidates: [scheme, ...others] };
}

/** A candidate that kept the limits. */
export interface Chosen extends CheckedModel {
  readonly scheme: Scheme;
}

/** One of them is given. */
export interface Choice {
  readonly chosen?: Chosen;
  /** Why each candidate was not taken. */
  readonly reasons: readonly string[];
}

export interface ChoiceOptions {
  readonly screen: Screen;
  /** A file with rounded weights that is a larger share of the fp32 one is not worth it. */
  readonly largest?: number;
  /** Layers that stay as they are. */
  readonly keep?: CheckOptions['keep'];
  /** How a candidate is measured; for tests. */
  readonly check?: typeof quantizeChecked;
}

/** Makes and measures the candidates of a place, one after the other, until one keeps the `quantize.*` limits. */
export async function choose(
  { candidates }: Place,
  { model, validation, calibration }: Deployed,
  config: Pick<Config, 'quantize' | 'seed' | 'runtime'>,
  { screen, largest = Number.POSITIVE_INFINITY, keep, check = quantizeChecked }: ChoiceOptions,
): Promise<Choice> {
  const fp32Size = encodeModel(model).length;
  const { quantize, seed, runtime } = config;
  const phase = startPhase(screen, { label: 'measure', unit: 'windows' });
  let windows = 0;
  const texts = { ...validation, threads: runtime.threads, onWindow: () => phase.at(++windows) };
  const measured = measuredTexts(validation.examples, validation.batch, quantize);
  const common = {
    limits: quantize,
    seed,
    fp32Size,
    screen: phase,
    ...(calibration.length === 0 ? {} : { calibration: { ...texts, examples: calibration } }),
    ...(keep === undefined ? {} : { keep }),
  };
  const reasons: string[] = [];
  try {
    for (const scheme of candidates) {
      const plain = encoded(model, scheme, new Set(), keep);
      const ratio = plain.bytes.length / fp32Size;
      if (scheme !== 'fp16' && ratio > largest) {
        const size = `${ratio.toFixed(3)} of the size (quantize.max_size_ratio is ${largest})`;
        phase.write(`${scheme.padEnd(10)} left out: not worth it at ${size}\n`);
        reasons.push(`the ${scheme} file is not worth it at ${size}`);
        continue;
      }
      const served = { ...texts, examples: measured };
      const checked = await check(model, served, { ...common, scheme, plain });
      phase.write(`${quantizedSummary(scheme, checked)}\n`);
      if (!checked.refusal) return { chosen: { ...checked, scheme }, reasons };
      reasons.push(checked.refusal.message);
    }
    return { reasons };
  } finally {
    phase.end();
  }
}

/** Long texts cost a run for each window: all of those that are measured have so many for each of `quantize.texts`. */
const WINDOWS_PER_TEXT = 4;

/** The texts that candidates are measured on. */
export function measuredTexts<T extends TokenizedText>(
  validation: readonly T[],
  cut: ServedWindows,
  { texts }: Pick<Config['quantize'], 'texts'>,
): readonly T[] {
  return withinWindows(validation.slice(0, texts), cut, WINDOWS_PER_TEXT * texts);
}

/** What the manifest says of a smaller file. */
export function metricsOf({ scheme, metrics, quantized }: Chosen): QuantizationMetrics {
  const { kept } = quantized;
  const { decisions: _, ...shown } = metrics;
  return { scheme, ...shown, ...(kept.length === 0 ? {} : { fp32_layers: kept }) };
}

/** AppError `quantization_refused` about files that a bundle should have and has not. */
export function missingFiles(
  bundle: string,
  leftOut: Readonly<Record<string, string>>,
): AppError | undefined {
  const reasons = Object.entries(leftOut).map(([file, why]) => `${bundle} has no ${file}: ${why}`);
  if (reasons.length === 0) return undefined;
  return new AppError('quantization_refused', reasons.join('\n'), {
    hint: `add one with: mbti-model quantize --into ${bundle} --data FILE.csv, with another --scheme or looser quantize.* limits`,
  });
}

/** Two lines for the screen. */
export function quantizedSummary(
  scheme: Scheme,
  { metrics, quantized, refusal }: CheckedModel,
): string {
  const { agreement, mean_dp, max_dp, size_ratio, macro_f1_change, macro_f1_interval } = metrics;
  const [low, high] = macro_f1_interval;
  const kept = quantized.kept.length === 0 ? '' : `; in fp32: ${quantized.kept.join(', ')}`;
  return [
    `${scheme.padEnd(10)} ${quantized.layers.length} layers, ${size_ratio.toFixed(3)} of the size${kept}${refusal ? '; refused' : ''}`,
    `           ${metrics.texts} texts: agreement ${agreement.toFixed(4)}, mean |Δp| ${mean_dp.toFixed(4)}, largest ${max_dp.toFixed(4)}, ` +
      `macro-F1 ${signed(macro_f1_change)} (${signed(low)} to ${signed(high)})`,
  ].join('\n');
}

const signed = (x: number): string => `${x < 0 ? '−' : '+'}${Math.abs(x).toFixed(4)}`;
