import { modelFiles, type QuantizationMetrics } from '../../src/bundle/index.ts';
import type { Config } from '../../src/config/index.ts';
import type { Model } from '../onnx/model.ts';
import type { Scheme } from '../rewrite/quantize/quantize-model.ts';
import { findDevice } from '../runtime/index.ts';
import type { Screen } from '../tracking/index.ts';
import {
  type CheckedModel,
  type Encoded,
  encoded,
  quantizeChecked,
} from './int8/quantize-checked.ts';
import type { ServedTexts } from './int8/score-as-served.ts';

/** A smaller file of a bundle: what goes into it, and what is to be said after it is written. */
export interface QuantizedStage {
  readonly files: Readonly<Record<string, Uint8Array>>;
  readonly metrics?: QuantizationMetrics;
  /** The limits were missed: the bundle goes without the file, and the command fails once it is written. */
  readonly refusal?: CheckedModel['refusal'];
}

/** A trained model that is made ready to serve. */
export interface Deployed {
  readonly model: Model;
  /** Bytes of its fp32 file. */
  readonly fp32Size: number;
  readonly validation: Omit<ServedTexts, 'threads'>;
  readonly calibration: ServedTexts['examples'];
}

/** Quantizes the trained model and holds it to `quantize.*` on validation texts. */
export async function int8Stage(
  deployed: Deployed,
  config: Config,
  screen: Screen,
): Promise<QuantizedStage> {
  const { scheme, max_size_ratio: largest } = config.quantize;
  if (scheme === 'none') return { files: {} };
  const plain = encoded(deployed.model, scheme);
  const ratio = plain.bytes.length / deployed.fp32Size;
  if (ratio > largest) {
    const size = `${ratio.toFixed(3)} of the size (quantize.max_size_ratio is ${largest})`;
    screen.write(`int8       left out: not worth it at ${size}\n`);
    return { files: {} };
  }
  return checkedStage(scheme, deployed, config, screen, plain);
}

/** The float16 file, for a bundle that GPUs serve, held to the same limits; computed on the CPU. */
export async function fp16Stage(
  deployed: Deployed,
  config: Config,
  screen: Screen,
): Promise<QuantizedStage> {
  const { runtime, quantize } = config;
  const isForGpus = runtime.precision === 'fp16' || findDevice(runtime.device).provider === 'cuda';
  const wanted = quantize.fp16 === 'auto' ? isForGpus : quantize.fp16 === 'yes';
  return wanted ? checkedStage('fp16', deployed, config, screen) : { files: {} };
}

async function checkedStage(
  scheme: 'int8' | 'fp16',
  { model, fp32Size, validation, calibration }: Deployed,
  { quantize, seed, runtime: { threads } }: Config,
  screen: Screen,
  plain?: Encoded,
): Promise<QuantizedStage> {
  const examples = validation.examples.slice(0, quantize.texts);
  const options = {
    scheme,
    limits: quantize,
    fp32Size,
    seed,
    screen,
    calibration: { ...validation, examples: calibration, threads },
    ...(plain === undefined ? {} : { plain }),
  };
  const checked = await quantizeChecked(model, { ...validation, examples, threads }, options);
  screen.write(`${quantizedSummary(scheme, checked)}\n`);
  if (checked.refusal) return { files: {}, refusal: checked.refusal };
  return { files: { [modelFiles[scheme]]: checked.bytes }, metrics: metricSetOf(checked) };
}

/** What the manifest says of a quantized file. */
function metricSetOf({ metrics, quantized }: CheckedModel): QuantizationMetrics {
  const { kept } = quantized;
  const { decisions: _, ...shown } = metrics;
  return { ...shown, ...(kept.length === 0 ? {} : { fp32_layers: kept }) };
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
