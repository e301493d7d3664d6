import { elementCount, floatTensor, type Tensor } from '../onnx/tensor.ts';
import { Random } from '../random.ts';
import type { DistilBertConfig } from './distilbert-config.ts';

/** Gives a parameter's initial value; the shape is the graph's: linear weights are [in, out]. */
export type WeightSource = (name: string, shape: readonly number[]) => Tensor;

/** One normal tensor, decided by the seed and the parameter's name alone. */
export function normalTensor(
  name: string,
  shape: readonly number[],
  { seed, deviation }: { readonly seed: number; readonly deviation: number },
): Tensor {
  const random = new Random(seed, 'weights', name);
  const values = new Float32Array(elementCount(shape));
  for (let i = 0; i < values.length; i++) values[i] = deviation * random.normal();
  return floatTensor(shape, values);
}

const filled = (shape: readonly number[], value: number): Tensor =>
  floatTensor(shape, new Float32Array(elementCount(shape)).fill(value));

/** Linear layers and embeddings normal around 0, biases 0, LayerNorm weights 1: as transformers does. */
export function initialWeights(seed: number, deviation = 0.02): WeightSource {
  return (name, shape) => {
    if (name.endsWith('bias')) return filled(shape, 0);
    if (shape.length === 1) return filled(shape, 1);
    return normalTensor(name, shape, { seed, deviation });
  };
}

/** transformers' initialisation of DistilBERT: the padding row of the word embeddings is 0. */
export function randomWeights(config: DistilBertConfig, seed: number): WeightSource {
  const initial = initialWeights(seed, config.initializer_range);
  return (name, shape) => {
    if (config.sinusoidal_pos_embds && name.endsWith('position_embeddings.weight')) {
      return sinusoids(shape);
    }
    const tensor = initial(name, shape);
    if (name.endsWith('word_embeddings.weight')) {
      const row = config.dim * Float32Array.BYTES_PER_ELEMENT;
      tensor.bytes.fill(0, config.pad_token_id * row, (config.pad_token_id + 1) * row);
    }
    return tensor;
  };
}

/** sin(p / 10000^(2i/d)) in the even columns 2i, the cosine in the odd ones after them. */
function sinusoids(shape: readonly number[]): Tensor {
  const [positions = 0, dim = 0] = shape;
  const values = new Float32Array(positions * dim);
  for (let p = 0; p < positions; p++) {
    for (let j = 0; j < dim; j++) {
      const angle = p / 10000 ** ((j - (j % 2)) / dim);
      values[p * dim + j] = j % 2 === 0 ? Math.sin(angle) : Math.cos(angle);
    }
  }
  return floatTensor(shape, values);
}
