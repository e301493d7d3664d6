import { AppError } from '../../src/errors.ts';
import type { Batch } from '../data/index.ts';
import { Tensor as OrtTensor } from './onnxruntime.ts';
import type { Tensors } from './state.ts';

/** What a batch gives for each input that a forward graph may have, [size, length]. */
const inputs: Readonly<Record<string, (batch: Batch) => BigInt64Array>> = {
  input_ids: ({ inputIds }) => inputIds,
  attention_mask: ({ attentionMask }) => attentionMask,
  // One segment: every token belongs to the first.
  token_type_ids: ({ size, length }) => new BigInt64Array(size * length),
  // Texts begin at the first position: padding stands behind them.
  position_ids: ({ size, length }) =>
    BigInt64Array.from({ length: size * length }, (_, i) => BigInt(i % length)),
};

/** AppError `model_invalid` for an input that no batch can give. */
export function requireKnownInputs(names: readonly string[]): void {
  const unknown = names.find((name) => !Object.hasOwn(inputs, name));
  if (unknown === undefined) return;
  throw new AppError(
    'model_invalid',
    `the graph has the input "${unknown}": expected ${Object.keys(inputs).join(', ')}`,
  );
}

/** The forward graph's inputs and the labels, without a copy. */
export function batchFeeds(batch: Batch, names: readonly string[]): Tensors {
  const { size, length, labels } = batch;
  const feeds: Tensors = {
    labels: new OrtTensor('float32', labels, [size, labels.length / size]),
  };
  for (const name of names) {
    const data = inputs[name]?.(batch);
    if (data) feeds[name] = new OrtTensor('int64', data, [size, length]);
  }
  return feeds;
}
