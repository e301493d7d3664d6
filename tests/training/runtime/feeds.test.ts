import { describe, expect, it } from '@jest/globals';
import { Random } from '../../../training/random.ts';
import { batchFeeds, requireKnownInputs } from '../../../training/runtime/feeds.ts';
import { toyBatch } from '../../support/tiny-distilbert.ts';

describe('the feeds of a batch', () => {
  it('count the positions of each text from 0, for graphs that have them as an input', () => {
    const inputs = ['input_ids', 'position_ids'].map((name) => ({ name, type: 'int64' }));
    expect(() => requireKnownInputs(inputs)).not.toThrow();
    const { position_ids: positions } = batchFeeds(toyBatch(new Random(1), 2, 4), inputs);
    expect(positions?.dims).toEqual([2, 4]);
    expect(positions?.data).toEqual(BigInt64Array.of(0n, 1n, 2n, 3n, 0n, 1n, 2n, 3n));
  });
});
