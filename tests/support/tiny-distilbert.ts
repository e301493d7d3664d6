import { distilbert, distilbertConfig, randomWeights } from '../../training/architectures/index.ts';
import { type CompileOptions, compileArtifacts } from '../../training/artifacts/index.ts';
import type { Batch } from '../../training/data/index.ts';
import type { Model } from '../../training/onnx/model.ts';
import { intTensor, type Tensor, tensorOf } from '../../training/onnx/tensor.ts';
import type { Random } from '../../training/random.ts';

const config = distilbertConfig({
  vocab_size: 24,
  dim: 8,
  n_layers: 2,
  n_heads: 2,
  hidden_dim: 16,
  max_position_embeddings: 12,
  initializer_range: 0.3,
});

export const tinyDistilbert = (seed = 1): Model => distilbert(config, randomWeights(config, seed));

export const compileOptions: CompileOptions = {
  head: 'mlp',
  labels: 2,
  dropout: 0,
  weightDecay: 0.01,
  maxGradNorm: 1,
  seed: 5,
};

export const compileTiny = (changes: Partial<CompileOptions> = {}, seed = 1) =>
  compileArtifacts(tinyDistilbert(seed), { ...compileOptions, ...changes });

/** Texts of random words and lengths; label 0 says whether word 5 or 6 occurs, label 1 whether 7 or 8. */
export function toyBatch(random: Random, size: number, length = 8): Batch {
  const inputIds = new BigInt64Array(size * length);
  const attentionMask = new BigInt64Array(size * length);
  const labels = new Float32Array(size * 2);
  for (let row = 0; row < size; row++) {
    const words = 4 + random.int(length - 3);
    for (let i = 0; i < words; i++) {
      inputIds[row * length + i] = i === 0 ? 2n : BigInt(4 + random.int(20));
      attentionMask[row * length + i] = 1n;
    }
    const text = inputIds.subarray(row * length, row * length + words);
    labels[2 * row] = text.some((id) => id === 5n || id === 6n) ? 1 : 0;
    labels[2 * row + 1] = text.some((id) => id === 7n || id === 8n) ? 1 : 0;
  }
  return { size, length, inputIds, attentionMask, labels };
}

/** A batch as the feeds of a graph. */
export function batchTensors(batch: Batch): Record<string, Tensor> {
  const { size, length } = batch;
  const int64 = (values: BigInt64Array): Tensor => ({
    ...intTensor([values.length], Array.from(values, Number)),
    dims: [size, length],
  });
  return {
    input_ids: int64(batch.inputIds),
    attention_mask: int64(batch.attentionMask),
    labels: tensorOf('float32', [size, batch.labels.length / size], batch.labels),
  };
}
