import { describe, expect, it } from '@jest/globals';
import { predictRecords } from '../../../src/bulk/index.ts';
import type { BulkRecord } from '../../../src/bulk/types.ts';
import { AppError } from '../../../src/errors.ts';
import { toPrediction } from '../../../src/task/index.ts';
import { fakeScore } from '../../support/fake-engines.ts';
import { testModel } from '../../support/http-server.ts';

const texts = ['the first text of this file', 'the second text of this file'];
const bad = (line: number, hint?: string): BulkRecord => ({
  line,
  text: new AppError('data_invalid', 'it is no text', hint === undefined ? {} : { hint }),
});

/** Scores records by fakes; what was written, and said. */
function job(records: readonly BulkRecord[], skipsBad: boolean) {
  const lines: string[] = [];
  const said: string[] = [];
  async function* all() {
    yield* records;
  }
  const summary = predictRecords({
    records: all(),
    model: testModel,
    write: async (line) => void lines.push(line),
    screen: { write: (text) => said.push(text) },
    skipsBad,
    totalBytes: undefined,
    bytesRead: () => 0,
    placeOf: (line) => `texts.csv, line ${line}`,
    score: async (text) => ({ ...fakeScore(text), queueMs: 0 }),
    ahead: 2,
  });
  return { lines, said, summary };
}

const good = texts.map((text, i): BulkRecord => ({ line: i + 2, text }));

describe('bulk predictions', () => {
  it('are a line of JSON each: where the text stands, and what the server answers for it', async () => {
    const { lines, summary } = job(good, false);
    expect(await summary).toEqual({ scored: 2, skipped: 0 });
    const expected = texts.map((text, i) => {
      const { probabilities, tokens, windows, truncated } = fakeScore(text);
      return {
        line: i + 2,
        ...toPrediction(testModel.task, probabilities),
        model: { name: 'tiny', version: 'abc' },
        usage: { tokens, windows, truncated },
      };
    });
    expect(lines.every((line) => line.endsWith('}\n'))).toBe(true);
    expect(lines.map((line) => JSON.parse(line))).toEqual(expected);
  });

  it('pass over records that cannot be scored, and name a hundred of them', async () => {
    const many = Array.from({ length: 102 }, (_, i) => bad(i + 10));
    const { lines, said, summary } = job([...many, ...good], true);
    expect(await summary).toEqual({ scored: 2, skipped: 102 });
    expect([lines.length, said.length]).toEqual([2, 100]);
    expect(said[0]).toBe('texts.csv, line 10: skipped: it is no text\n');
    expect(said[99]).toContain('line 109');
  });

  it.each([
    [
      'save it as UTF-8',
      'save it as UTF-8; --on-error skip passes over such lines and reports them',
    ],
    [undefined, '--on-error skip passes over such lines and reports them'],
  ])('end at the first such record otherwise, and say what to do: %s', async (hint, told) => {
    const { lines, summary } = job([...good, bad(4, hint), ...good], false);
    await expect(summary).rejects.toMatchObject({
      code: 'data_invalid',
      message: 'texts.csv, line 4: it is no text',
      hint: told,
    });
    expect(lines).toHaveLength(2);
  });
});
