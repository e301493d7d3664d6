import { distilbert, distilbertConfig } from '../../dist/training/architectures/index.js';
import { compileArtifacts } from '../../dist/training/artifacts/index.js';
import { floatTensor } from '../../dist/training/onnx/tensor.js';

export const config = (layers) =>
  distilbertConfig({
    vocab_size: 30522,
    dim: 768,
    n_layers: layers,
    n_heads: 12,
    hidden_dim: 3072,
    max_position_embeddings: 512,
  });

/** Uniform numbers of DistilBERT's deviation: quick to make, and as good as any for timing. */
export function weights(name, shape) {
  const values = new Float32Array(shape.reduce((n, dim) => n * dim, 1));
  if (name.endsWith('bias')) return floatTensor(shape, values);
  if (shape.length === 1) return floatTensor(shape, values.fill(1));
  let state = values.length % 9973;
  for (let i = 0; i < values.length; i++) {
    state = (state * 1103515245 + 12345) & 0x7fffffff;
    values[i] = (state / 2 ** 31 - 0.5) * 0.07;
  }
  return floatTensor(shape, values);
}

/** The training artifacts of DistilBERT-base with our head: random weights, four labels. */
export const compileDistilbert = ({ layers, dropout }) =>
  compileArtifacts(distilbert(config(layers), weights), {
    head: 'mlp',
    labels: 4,
    dropout,
    weightDecay: 0.01,
    maxGradNorm: 1,
    seed: 1,
  });

/** A full batch, no padding. */
export function batchOf(size, length) {
  const ids = Array.from({ length: size * length }, (_, i) => BigInt((i * 7919) % 30522));
  return {
    size,
    length,
    inputIds: BigInt64Array.from(ids),
    attentionMask: new BigInt64Array(size * length).fill(1n),
    labels: Float32Array.from({ length: size * 4 }, (_, i) => i % 2),
  };
}
