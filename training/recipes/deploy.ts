import { modelFiles, type QuantizationMetrics } from '../../src/bundle/index.ts';
import type { Config } from '../../src/config/index.ts';
import type { Model } from '../onnx/model.ts';
import type { Screen } from '../tracking/index.ts';
import { type CheckedInt8, int8Of, quantizeChecked } from './int8/quantize-checked.ts';
import type { ServedTexts } from './int8/score-as-served.ts';

/** The int8 side of a bundle: what goes into it, and what is to be said after it is written. */
export interface Int8Stage {
  readonly files: Readonly<Record<string, Uint8Array>>;
  readonly metrics?: QuantizationMetrics;
  /** The limits were missed: the bundle goes without an int8 file, and the command fails once it is written. */
  readonly refusal?: CheckedInt8['refusal'];
}

/** Quantizes the trained model, whose fp32 file has `fp32Size` bytes, and holds it to `quantize.*` on validation texts. */
export async function int8Stage(
  model: Model,
  fp32Size: number,
  { quantize, seed, runtime }: Config,
  validation: Omit<ServedTexts, 'threads'>,
  calibration: ServedTexts['examples'],
  screen: Screen,
): Promise<Int8Stage> {
  const { scheme, texts, max_size_ratio: largest, ...limits } = quantize;
  if (scheme === 'none') return { files: {} };
  const plain = int8Of(model);
  const ratio = plain.bytes.length / fp32Size;
  if (ratio > largest) {
    const size = `${ratio.toFixed(3)} of the size (quantize.max_size_ratio is ${largest})`;
    screen.write(`int8       left out: not worth it at ${size}\n`);
    return { files: {} };
  }
  const examples = validation.examples.slice(0, texts);
  const checked = await quantizeChecked(
    model,
    { ...validation, examples, threads: runtime.threads },
    {
      limits,
      fp32Size,
      plain,
      seed,
      screen,
      calibration: { ...validation, examples: calibration, threads: runtime.threads },
    },
  );
  screen.write(`${int8Summary(checked)}\n`);
  if (checked.refusal) return { files: {}, refusal: checked.refusal };
  return {
    files: { [modelFiles.int8]: checked.bytes },
    metrics: int8MetricSet(checked),
  };
}

/** What the manifest says of an int8 file. */
function int8MetricSet({ metrics, quantized }: CheckedInt8): QuantizationMetrics {
  const { kept } = quantized;
  const { decisions: _, ...shown } = metrics;
  return { ...shown, ...(kept.length === 0 ? {} : { fp32_layers: kept }) };
}

/** Two lines for the screen. */
export function int8Summary({ metrics, quantized, refusal }: CheckedInt8): string {
  const { agreement, mean_dp, max_dp, size_ratio, macro_f1_change, macro_f1_interval } = metrics;
  const [low, high] = macro_f1_interval;
  const kept = quantized.kept.length === 0 ? '' : `; in fp32: ${quantized.kept.join(', ')}`;
  return [
    `int8       ${quantized.layers.length} layers, ${size_ratio.toFixed(3)} of the size${kept}${refusal ? '; refused' : ''}`,
    `           ${metrics.texts} texts: agreement ${agreement.toFixed(4)}, mean |Δp| ${mean_dp.toFixed(4)}, largest ${max_dp.toFixed(4)}, ` +
      `macro-F1 ${signed(macro_f1_change)} (${signed(low)} to ${signed(high)})`,
  ].join('\n');
}

const signed = (x: number): string => `${x < 0 ? '−' : '+'}${Math.abs(x).toFixed(4)}`;
