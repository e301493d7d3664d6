import { describe, expect, it } from '@jest/globals';
import { inShard, parseShard } from '../../../src/bulk/shard.ts';
import type { BulkRecord } from '../../../src/bulk/types.ts';

describe('shards', () => {
  it('together are the whole input, each record once', async () => {
    const all = Array.from({ length: 10 }, (_, i) => ({ line: i + 1, text: `text ${i}` }));
    const shares = await Promise.all(
      [0, 1, 2].map(async (index) => {
        const share: BulkRecord[] = [];
        async function* records() {
          yield* all;
        }
        for await (const one of inShard(records(), { index, count: 3 })) share.push(one);
        return share;
      }),
    );
    expect(shares.map((share) => share.length)).toEqual([4, 3, 3]);
    expect(shares.flat().sort((a, b) => a.line - b.line)).toEqual(all);
  });

  it.each(['3/3', '1', '-1/2', 'a/b', '0/0'])('are not %s', (words) => {
    expect(() => parseShard(words)).toThrow(/expected i\/n/);
  });
});
