import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { type Format, formatOf, readers } from '../../../src/bulk/records.ts';
import { inShard, parseShard } from '../../../src/bulk/shard.ts';
import type { BulkRecord } from '../../../src/bulk/types.ts';
import { AppError } from '../../../src/errors.ts';

/** The records of an input that arrives in pieces of so many bytes. */
async function read(
  format: Format,
  input: string | Uint8Array,
  { piece = 7, column = 'text', maxBytes = 1000 } = {},
): Promise<BulkRecord[]> {
  const bytes = Buffer.from(input as Uint8Array);
  async function* pieces(): AsyncGenerator<Uint8Array> {
    for (let at = 0; at < bytes.length; at += piece) yield bytes.subarray(at, at + piece);
  }
  const found: BulkRecord[] = [];
  for await (const one of readers[format](pieces(), { column, maxBytes })) found.push(one);
  return found;
}

const texts = (records: readonly BulkRecord[]) =>
  records.map(({ line, text }) => `${line} ${text instanceof AppError ? text.message : text}`);

describe('records', () => {
  it('are the lines of a text, empty ones left out, whatever pieces they come in', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.string({ unit: 'grapheme' }), { maxLength: 12 }),
        fc.integer({ min: 1, max: 30 }),
        async (lines, piece) => {
          const clean = lines.map((line) => line.replace(/[\r\n\uFEFF]/g, ''));
          const wanted = clean.flatMap((text, i) =>
            text.trim() === '' ? [] : [{ line: i + 1, text }],
          );
          expect(await read('text', clean.join('\n'), { piece })).toEqual(wanted);
          expect(await read('text', clean.join('\r\n'), { piece })).toEqual(wanted);
        },
      ),
    );
  });

  it('say which line is not UTF-8 or too long, and go on', async () => {
    const bad = Buffer.concat([
      Buffer.from('one\n'),
      Buffer.of(0xff, 0xfe, 0x0a),
      Buffer.from(`${'x'.repeat(50)}\nfour`),
    ]);
    expect(texts(await read('text', bad, { maxBytes: 20 }))).toEqual([
      '1 one',
      '2 it is not valid UTF-8',
      '3 it is longer than 20 bytes',
      '4 four',
    ]);
  });

  it('are the strings, or a key of the objects, of JSON lines', async () => {
    const lines = '\uFEFF{"post":"a","n":1}\n"b"\n\n{"post":3}\n[1]\n{';
    expect(texts(await read('jsonl', lines, { column: 'post' }))).toEqual([
      '1 a',
      '2 b',
      '4 it holds no text: expected a string, or an object with a string "post"',
      '5 it holds no text: expected a string, or an object with a string "post"',
      '6 it is not valid JSON',
    ]);
  });

  it('are a column of a CSV file, by the line on which each begins', async () => {
    const csv = 'id,text\r\n1,"two\r\nlines"\r\n2,"said ""so"""\r\n3\r\n4,last';
    expect(texts(await read('csv', csv))).toEqual([
      '2 two\r\nlines',
      '4 said "so"',
      '5 it has 1 cells: expected 2, as the header',
      '6 last',
    ]);
  });

  it('of a CSV file without the column are an error that names what there is', async () => {
    await expect(read('csv', 'a,b\n1,2\n')).rejects.toThrow(
      /no column "text": its header has a, b/,
    );
  });

  it.each([
    ['a.CSV', 'csv'],
    ['b.jsonl', 'jsonl'],
    ['c.ndjson', 'jsonl'],
    ['d.txt', 'text'],
    ['-', 'text'],
  ])('of %s are taken for %s', (file, format) => {
    expect(formatOf(file)).toBe(format);
  });
});

describe('shards', () => {
  it('together are the whole input, each record once', async () => {
    const lines = Array.from({ length: 10 }, (_, i) => `text ${i}`).join('\n');
    const all = await read('text', lines);
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
