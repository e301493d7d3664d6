import { describe, expect, it } from '@jest/globals';
import { readRows } from '../../support/read-rows.ts';

describe('the longest record of a file', () => {
  const bytes = (n: number) => `${'é'.repeat(n >> 1)}${n % 2 === 1 ? 'x' : ''}`;
  /** Of each format, a record of so many bytes between two short ones, and its text. */
  const files: readonly (readonly [string, (n: number) => string, (n: number) => string])[] = [
    ['text', bytes, bytes],
    ['csv', bytes, bytes],
    ['csv', (n) => `"${bytes(n - 2)}"`, (n) => bytes(n - 2)],
    ['tsv', bytes, bytes],
    ['jsonl', (n) => `{"text":"${bytes(n - 11)}"}`, (n) => bytes(n - 11)],
  ];

  it.each(files)('of %s has as many bytes as may be', async (format, record, cell) => {
    for (const n of [29, 30, 31]) {
      const between = format === 'jsonl' ? '{"text":"a"}' : 'a';
      const input = `${format === 'csv' || format === 'tsv' ? 'text\n' : ''}${between}\n${record(n)}\n${between}\n`;
      const rows = await readRows(format as 'csv', input, { maxBytes: 30 });
      const [first, middle, last] = rows.map(({ cells }) => cells);
      expect([first, last]).toEqual([['a'], ['a']]);
      if (n <= 30) expect([n, middle]).toEqual([n, [cell(n)]]);
      else expect(String(middle)).toContain('it is longer than 30 bytes');
    }
  });
});
