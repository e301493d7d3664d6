import { describe, expect, it } from '@jest/globals';
import { type BulkResult, scoreRecords } from '../../../src/bulk/score-records.ts';
import type { BulkRecord } from '../../../src/bulk/types.ts';
import { AppError } from '../../../src/errors.ts';
import { mbtiTask } from '../../support/tiny-bundle.ts';

const text = { tokens: 1, unknownTokens: 0, windows: 1, truncated: false, probabilities: [] };
const scored = { ...text, queueMs: 0, tokenizeMs: 0, computeMs: 0, batches: [] };

async function results(records: AsyncIterable<BulkRecord>, task = mbtiTask) {
  const found: BulkResult[] = [];
  const scorer = { score: async () => scored, task, ahead: 8 };
  try {
    for await (const one of scoreRecords(records, scorer)) found.push(one);
  } catch (error) {
    return { found, error };
  }
  return { found, error: undefined };
}

async function* records(...texts: readonly string[]): AsyncGenerator<BulkRecord> {
  for (const [i, text] of texts.entries()) yield { line: i + 1, text };
}

describe('scoring records', () => {
  it('gives the results of what was read before the records failed', async () => {
    const failure = new AppError('data_invalid', 'the file ends in a quote');
    async function* failing(): AsyncGenerator<BulkRecord> {
      yield* records('the first of the texts', 'the second of the texts');
      throw failure;
    }
    const { found, error } = await results(failing());
    expect([found.map(({ line }) => line), error]).toEqual([[1, 2], failure]);
  });

  it('has so many texts with the engines ahead of the one whose result is next', async () => {
    for (const ahead of [1, 2, 3]) {
      const waiting: (() => void)[] = [];
      let [open, most] = [0, 0];
      const score = () => {
        open += 1;
        most = Math.max(most, open);
        return new Promise<typeof scored>((resolve) => {
          waiting.push(() => {
            open -= 1;
            resolve(scored);
          });
        });
      };
      const texts = Array.from({ length: 8 }, (_, i) => `the text of number ${i}`);
      const lines: number[] = [];
      const all = (async () => {
        const scorer = { score, task: mbtiTask, ahead };
        for await (const { line } of scoreRecords(records(...texts), scorer)) lines.push(line);
      })();
      for (let turn = 0; lines.length < texts.length && turn < 1000; turn += 1) {
        await new Promise(setImmediate);
        waiting.shift()?.();
      }
      await all;
      expect([ahead, most, lines]).toEqual([ahead, ahead + 1, [1, 2, 3, 4, 5, 6, 7, 8]]);
    }
  });

  it("refuses a text under the task's own minimum, which unseen characters do not reach", async () => {
    const short = { ...mbtiTask, cleaning: 'none', min_length: 2 } as const;
    const { found } = await results(records('ok', 'a\u200b\u00ad\u2060', '\u{1F600}!'), short);
    expect(found.map(({ outcome }) => outcome instanceof AppError && outcome.message)).toEqual([
      false,
      'it has 1 characters after cleaning: expected at least 2',
      false,
    ]);
  });
});
