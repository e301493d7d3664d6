import type { Batch } from '../data/index.ts';

/**
 * Into how many pieces of one size a batch of `size` rows is cut, where about `accumulate` are wanted: as many
 * rows in each as divide it without rest, at most size/accumulate of them rounded up. Pieces of one size
 * weigh the same, and have one shape.
 */
export function pieceCount(size: number, accumulate: number): number {
  let rows = Math.ceil(size / accumulate);
  while (size % rows !== 0) rows--;
  return size / rows;
}

/** The pieces of a batch, views of it. */
export function microBatches(batch: Batch, accumulate: number): Batch[] {
  const count = pieceCount(batch.size, accumulate);
  if (count === 1) return [batch];
  const size = batch.size / count;
  return Array.from({ length: count }, (_, piece) => {
    const part = <T extends BigInt64Array | Float32Array>(all: T): T => {
      const length = all.length / count;
      return all.subarray(piece * length, (piece + 1) * length) as T;
    };
    return {
      size,
      length: batch.length,
      inputIds: part(batch.inputIds),
      attentionMask: part(batch.attentionMask),
      labels: part(batch.labels),
    };
  });
}
