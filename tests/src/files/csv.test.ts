import { describe, expect, it } from '@jest/globals';
import { parse } from 'csv-parse/sync';
import fc from 'fast-check';
import type { Row } from '../../../src/files/index.ts';
import { type ReadOptions, readRows, told } from '../../support/read-rows.ts';

const csv = async (input: string | Uint8Array, options?: ReadOptions) =>
  told(await readRows('csv', input, options));

const rowsOf = ['text', 'first row', 'second row', 'third row'];

describe('a CSV file', () => {
  it.each([
    ['\\n', '\n'],
    ['\\r\\n', '\r\n'],
    ['\\r', '\r'],
    ['\\r\\r\\n', '\r\r\n'],
  ])('has the same rows on the same lines where lines end in %s', async (_name, end) => {
    const wanted = ['2 first row', '3 second row', '4 third row'];
    expect(await csv(rowsOf.join(end))).toEqual(wanted);
    expect(await csv(rowsOf.join(end) + end)).toEqual(wanted);
  });

  it('has every row where its line ends are mixed, in whatever pieces they come', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.constantFrom('\n', '\r\n', '\r\r\n'), { minLength: 4, maxLength: 4 }),
        fc.integer({ min: 1, max: 12 }),
        async (ends, piece) => {
          const input = rowsOf.map((row, i) => `id ${i},${row}${ends[i]}`).join('');
          const named = input.replace('id 0', 'id');
          expect(await csv(named, { piece })).toEqual([
            '2 first row',
            '3 second row',
            '4 third row',
          ]);
        },
      ),
    );
  });

  it('keeps the line ends of a cell in quotes, and counts them', async () => {
    const input = 'id,text\r\n1,"a\r\nb\rc\n\r\r\nd"\r\n\r\n2,last';
    for (const piece of [1, 2, 3, 7, 100]) {
      expect(await csv(input, { piece })).toEqual(['2 a\r\nb\rc\n\r\r\nd', '8 last']);
    }
  });

  it('has the cells that csv-parse reads, where that reads the file', async () => {
    const cell = fc.stringMatching(/^[a",;\n\r é😀]{0,8}$/u);
    const quoted = cell.map((text) => `"${text.replaceAll('"', '""')}"`);
    const plain = cell.map((text) => text.replace(/[",\n\r]/g, ''));
    const line = fc.tuple(fc.oneof(quoted, plain), fc.oneof(quoted, plain));
    await fc.assert(
      fc.asyncProperty(
        fc.array(line, { minLength: 1, maxLength: 6 }),
        fc.constantFrom('\n', '\r\n'),
        fc.integer({ min: 1, max: 20 }),
        async (lines, end, piece) => {
          const input = `text,id${end}${lines.map((cells) => cells.join(',')).join(end)}${end}`;
          const wanted: string[][] = parse(input, { record_delimiter: end, from: 2 });
          const rows = await readRows('csv', input, { piece, others: ['id'] });
          expect(rows.map(({ cells }: Row) => cells)).toEqual(wanted);
        },
      ),
      { numRuns: 300 },
    );
  });

  it('gives columns by name, whatever their order, with a trimmed header and a byte-order mark', async () => {
    const input = '\uFEFF label ,x, text\npos,?, a \nneg,?,b\n';
    expect(await csv(input, { others: ['label'] })).toEqual(['2  a |pos', '3 b|neg']);
  });

  it('separated by tabs is TSV', async () => {
    expect(told(await readRows('tsv', 'id\ttext\n1\ta, b\n2\t"c\td"\n'))).toEqual([
      '2 a, b',
      '3 c\td',
    ]);
  });

  it('may hold U+FFFD, which is a character as any other', async () => {
    expect(await csv('text\na \uFFFD b\n')).toEqual(['2 a \uFFFD b']);
  });
});

describe('a row of CSV that cannot be read', () => {
  it.each([
    ['has other cells than the header', '1,2,3', '3 ! it has 3 cells: expected 2, as the header'],
    ['has fewer cells than the header', '1', '3 ! it has 1 cells: expected 2, as the header'],
    ['has a quote inside', '1,5" disk', /^3 ! its cell 2 has a quote inside: expected/],
    ['goes on behind its quotes', '"a" b,2', /^3 ! its cell 1 goes on behind the quote/],
    ['is too long', `1,${'x'.repeat(60)}`, '3 ! it is longer than 50 bytes'],
    ['is too long, and has quotes', `1,"${'x'.repeat(60)}"`, '3 ! it is longer than 50 bytes'],
  ])('is one row alone where it %s', async (_name, bad, message) => {
    const rows = await csv(`id,text\n0,before\n${bad}\n9,after\n`, { maxBytes: 50 });
    expect(rows).toEqual([
      '2 before',
      typeof message === 'string' ? message : expect.stringMatching(message),
      '4 after',
    ]);
  });

  it.each([
    ['Windows-1252', [0x74, 0x72, 0xe8, 0x73], 'byte 0xE8 after "tr"'],
    ['GBK', [0xc4, 0xe3, 0xba, 0xc3], 'byte 0xC4 after ""'],
    ['half a character', [0x61, 0xe2, 0x82], 'byte 0xE2 after "a"'],
    ['half of a surrogate pair', [0xed, 0xa0, 0x80], 'byte 0xED after ""'],
  ])('is refused where it is %s, in any column', async (_name, bytes, message) => {
    const bad = Buffer.from(bytes);
    for (const column of ['text', 'id']) {
      const input = Buffer.concat([
        Buffer.from(`text,id\na,b\n${column === 'id' ? 'x,' : ''}`),
        bad,
      ]);
      const rest = Buffer.from(column === 'id' ? '\nc,d' : ',y\nc,d');
      const [, second, third] = await readRows('csv', Buffer.concat([input, rest]));
      expect([second?.line, third?.cells]).toEqual([3, ['c']]);
      expect(second?.cells).toMatchObject({
        code: 'data_invalid',
        hint: expect.stringContaining('iconv -f WINDOWS-1252'),
      });
      expect(String(second?.cells)).toContain('it is not valid UTF-8');
      if (column === 'text') expect(String(second?.cells)).toContain(message);
    }
  });

  it('names the very line of a byte that is not UTF-8 in a cell of several', async () => {
    const input = Buffer.concat([Buffer.from('text\n"a\r\nb\r\nc'), Buffer.of(0xff, 0x22)]);
    expect(await csv(input)).toEqual(['2 ! it is not valid UTF-8: byte 0xFF after "c" on line 4']);
  });
});

describe('a CSV file that cannot be read', () => {
  it.each([
    ['no header', '', /^f is empty: expected a header with column "text"/],
    ['a byte-order mark alone', '\uFEFF', /^f is empty/],
    ['blank lines alone', '\n\r\n', /^f is empty/],
    ['no rows', 'text\n\n', /^f has a header but no rows/],
    ['another header', 'a,b\n1,2', /^f has no column "text": found columns "a", "b"$/],
    ['a column twice', 'text,text \na,b', /^f has two columns named "text"/],
    ['semicolons', 'id;text\n1;a', /found column "id;text", which looks separated by ";"/],
    ['tabs', 'id\ttext\n1\ta', /which looks separated by tabs, as in a \.tsv file/],
    ['JSON', '{"text":"a","n":1}\n', /^f, line 1: it looks like JSON: expected a header and rows/],
    ['a web page', '<!DOCTYPE html>\n<html>', /it looks like a web page/],
    ['control characters', 'a\u001b[2J\u202e\n1', /found column "a\\u001b\[2J\\u202e"/],
    ['a bad header', 'text,a"b\n1,2', /^f, line 1: its cell 2 has a quote inside/],
    ['an open quote', 'text\na\n"b\nc\n', /^f, line 3: a quote opens a cell here and is never/],
    ['an open quote at its very end', 'text\na\n"', /^f, line 3: a quote opens a cell here/],
  ])('with %s is an error that says so', async (_name, input, message) => {
    for (const piece of [1, 100]) {
      await expect(readRows('csv', input, { piece })).rejects.toMatchObject({
        code: 'data_invalid',
        message: expect.stringMatching(message),
      });
    }
  });

  it('is no row where quotes made one of several: nobody can pass over these', async () => {
    const swallowed = 'id,text\n1,"never closed\n2,"closes it\n3,c\n';
    await expect(readRows('csv', swallowed)).rejects.toThrow(
      /^f, line 2: .* \(the quotes make one row of the lines 2 to 3\)$/,
    );
    const long = `id,text\n1,"${'open '.repeat(20)}\n2,"x\n3,c\n`;
    await expect(readRows('csv', long, { maxBytes: 50 })).rejects.toThrow(/^f, line 2: /);
  });

  it('is read in constant memory, one row of gigabytes too', async () => {
    let held = 0;
    const piece = Buffer.alloc(1 << 20, 'word, ');
    async function* endless(): AsyncGenerator<Uint8Array> {
      yield Buffer.from('text\n"');
      for (let i = 0; i < 64; i++) {
        yield piece;
        held = Math.max(held, process.memoryUsage().arrayBuffers);
      }
      yield Buffer.from('"\nlast\n');
    }
    const { rowReader } = await import('../../../src/files/index.ts');
    const before = process.memoryUsage().arrayBuffers;
    const rows: Row[] = [];
    const options = {
      name: 'f',
      text: ['text'],
      others: [],
      maxBytes: 100,
      columnHint: '',
    } as const;
    for await (const row of rowReader('csv')(endless(), options)) rows.push(row);
    expect(told(rows)).toEqual(['2 ! it is longer than 100 bytes', '3 last']);
    expect(held - before).toBeLessThan(24 << 20);
  });
});

describe('CSV with cells without end', () => {
  it('is counted and not kept: a row of two million cells is one that is wrong', async () => {
    const row = ','.repeat(2_000_000);
    const rows = await readRows('csv', `text\n${row}\nlast\n`, { piece: 1 << 16, maxBytes: 1e8 });
    expect(told(rows)).toEqual(['2 ! it has 2000001 cells: expected 1, as the header', '3 last']);
  });

  it('may have a million columns, and no more', async () => {
    const header = `text${',c'.repeat(999_999)}`;
    const options = { piece: 1 << 16, maxBytes: 1e8 };
    const rows = await readRows('csv', `${header}\nx${','.repeat(999_999)}\n`, options);
    expect(told(rows)).toEqual(['2 x']);
    await expect(readRows('csv', `${header},c\nx\n`, options)).rejects.toThrow(
      'f, line 1: it has 1000001 columns: expected 1000000 at most',
    );
  });

  it('may have columns that are names of the language', async () => {
    const input = '__proto__,constructor,text\na,b,c\n';
    const options = { text: ['__proto__'], others: ['constructor'] } as const;
    expect(told(await readRows('csv', input, options))).toEqual(['2 a|b']);
    await expect(readRows('csv', input, { text: ['toString'] })).rejects.toThrow(
      /has no column "toString"/,
    );
  });
});
