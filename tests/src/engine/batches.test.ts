import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { batchesOf } from '../../../src/engine/batches.ts';

const lengths = (...all: number[]) => all.map((length) => ({ length }));

describe('batches of windows', () => {
  it('are neighbours in length, within the budget of padded tokens', () => {
    expect(batchesOf(lengths(10, 3, 4, 9, 2), 12)).toEqual([[4, 1, 2], [3], [0]]);
    expect(batchesOf(lengths(10, 3, 4, 9, 2), 20)).toEqual([
      [4, 1, 2],
      [3, 0],
    ]);
  });

  it('hold at least one, however long it is', () => {
    expect(batchesOf(lengths(512, 7), 100)).toEqual([[1], [0]]);
    expect(batchesOf([], 100)).toEqual([]);
  });

  it('hold every window once, and no more than the budget', () => {
    const length = fc.record({ length: fc.integer({ min: 1, max: 512 }) });
    fc.assert(
      fc.property(fc.array(length), fc.integer({ min: 1, max: 4096 }), (items, budget) => {
        const batches = batchesOf(items, budget);
        expect(batches.flat().sort((a, b) => a - b)).toEqual(items.map((_, i) => i));
        for (const batch of batches) {
          const longest = Math.max(...batch.map((i) => items[i]?.length ?? 0));
          expect(batch.length === 1 || batch.length * longest <= budget).toBe(true);
        }
      }),
    );
  });
});
