import type { QuantizedModel } from '../../../deploy/quantize/layer.ts';
import { quantizeModel, type Scheme } from '../../../deploy/quantize/quantize-model.ts';
import type { Model } from '../../../onnx/model.ts';
import { firstWindows, type ServedTexts, scoreAsServed } from './score-as-served.ts';

/** What one layer costs when it alone is quantized. */
export interface LayerHarm {
  readonly name: string;
  /** Mean |Δp| over texts and axes. */
  readonly mean_dp: number;
}

/** Enough texts to order layers by. */
const TEXTS = 64;

/** Measures every product of a quantized model alone, the most harmful first, on the first windows of some texts. */
export async function harmOfLayers(
  model: Model,
  { layers }: QuantizedModel,
  texts: ServedTexts,
  scheme: Scheme,
): Promise<LayerHarm[]> {
  const some = firstWindows({ ...texts, examples: texts.examples.slice(0, TEXTS) });
  const reference = await scoreAsServed(model, some);
  const products = layers.filter(({ op }) => op === 'MatMul' || op === 'Gemm');
  const harms: LayerHarm[] = [];
  for (const name of new Set(products.map((layer) => layer.name))) {
    const alone = quantizeModel(model, { scheme, keep: (layer) => layer !== name });
    const probabilities = await scoreAsServed(alone.model, some);
    const sum = probabilities.reduce((s, p, i) => s + Math.abs(p - (reference[i] ?? p)), 0);
    harms.push({ name, mean_dp: sum / probabilities.length });
  }
  return harms.sort((a, b) => b.mean_dp - a.mean_dp);
}
