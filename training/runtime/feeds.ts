import { type GraphInput, idsOfType } from '../../src/bundle/index.ts';
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
export function requireKnownInputs(given: readonly GraphInput[]): void {
  const unknown = given.find(({ name }) => !Object.hasOwn(inputs, name))?.name;
  const typed = given.find(({ type }) => type !== 'int64' && type !== 'int32');
  if (unknown === undefined && typed) {
    throw new AppError(
      'model_invalid',
      `the graph's input "${typed.name}" is ${typed.type}: expected int64 or int32`,
    );
  }
  if (unknown === undefined) return;
  throw new AppError(
    'model_invalid',
    `the graph has the input "${unknown}": expected ${Object.keys(inputs).join(', ')}`,
  );
}

/** The forward graph's inputs, in their types, and the labels; int64 without a copy. */
export function batchFeeds(batch: Batch, given: readonly GraphInput[]): Tensors {
  const { size, length, labels } = batch;
  const feeds: Tensors = {
    labels: new OrtTensor('float32', labels, [size, labels.length / size]),
  };
  for (const { name, type } of given) {
    const data = inputs[name]?.(batch);
    const fed = data && idsOfType(type, data);
    if (fed) feeds[name] = new OrtTensor(fed.type, fed.data, [size, length]);
  }
  return feeds;
}
