import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { microBatches, pieceCount } from '../../../training/runtime/micro-batches.ts';

const sizes = fc.integer({ min: 1, max: 64 });
const wanted = fc.integer({ min: 1, max: 70 });

/** A batch in which no two elements are the same. */
function batchOf(size: number, length: number, labels: number) {
  const ids = BigInt64Array.from({ length: size * length }, (_, i) => BigInt(i));
  return {
    size,
    length,
    inputIds: ids,
    attentionMask: ids.map((id) => id + 1000n),
    labels: Float32Array.from({ length: size * labels }, (_, i) => i),
  };
}

describe('a batch in pieces', () => {
  it('has as few of one size as keep each within its share of the rows', () => {
    fc.assert(
      fc.property(sizes, wanted, (size, accumulate) => {
        const most = Math.ceil(size / accumulate);
        const rows = size / pieceCount(size, accumulate);
        const fitting = Array.from({ length: size }, (_, i) => i + 1).filter(
          (n) => size % n === 0 && n <= most,
        );
        expect(rows).toBe(Math.max(...fitting));
      }),
    );
  });

  it('is the whole batch, row by row, each once', () => {
    fc.assert(
      fc.property(sizes, wanted, fc.integer({ min: 1, max: 4 }), (size, accumulate, labels) => {
        const batch = batchOf(size, 3, labels);
        const pieces = microBatches(batch, accumulate);
        expect(pieces.length).toBe(pieceCount(size, accumulate));
        expect(pieces.reduce((sum, piece) => sum + piece.size, 0)).toBe(size);
        for (const key of ['inputIds', 'attentionMask', 'labels'] as const) {
          const all = pieces.flatMap((piece) => Array.from<bigint | number>(piece[key]));
          expect(all).toEqual(Array.from<bigint | number>(batch[key]));
        }
        for (const piece of pieces) {
          expect(piece.length).toBe(3);
          expect(piece.inputIds.length).toBe(piece.size * 3);
          expect(piece.labels.length).toBe(piece.size * labels);
        }
      }),
    );
  });
});
