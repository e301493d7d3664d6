import { describe, expect, it } from '@jest/globals';
import { type InputChoice, openInput } from '../../../src/bulk/input.ts';
import type { BulkRecord } from '../../../src/bulk/types.ts';
import { AppError } from '../../../src/errors.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';

const folder = temporaryFolder();
const nothing = { file: undefined, text: undefined, format: undefined, column: undefined };

async function* stdin(): AsyncGenerator<Uint8Array> {
  yield Buffer.from('id\ttext\n1\tfrom standard input\n');
}

const open = (choice: Partial<InputChoice>) => openInput({ ...nothing, ...choice }, stdin());

async function read(choice: Partial<InputChoice>, learntColumn?: string): Promise<string[]> {
  const input = open(choice);
  const records: BulkRecord[] = [];
  for await (const one of input.records({ learntColumn, maxBytes: 1000 })) records.push(one);
  return records.map(
    ({ line, text }) => `${line} ${text instanceof AppError ? text.message : text}`,
  );
}

const plain = (name: string) => folder.write(name, 'text\na text\n');
const rows = ['a text of its own', 'another, with a comma'];
const json = rows.map((posts) => JSON.stringify({ posts }));

describe('an input', () => {
  it.each([
    ['plain.csv', `posts\n${rows[0]}\n"${rows[1]}"\n`],
    ['header.csv', `id, posts\r\n1,${rows[0]}\n2,"${rows[1]}"\n`],
    ['columns.tsv', `posts\tid\n${rows[0]}\t1\n${rows[1]}\t2\n`],
    ['lines.jsonl', json.join('\n')],
    ['lines.json', json.join('\n')],
    ['array.json', `[${json.join(',\n')}]`],
  ])('called %s has the texts that its format says', async (name, content) => {
    const file = folder.write(name, content);
    for (const [column, learnt] of [
      ['posts', 'other'],
      [undefined, 'posts'],
    ] as const) {
      const found = await read({ file, column }, learnt);
      expect(found.map((one) => one.replace(/^\d+ /, ''))).toEqual(rows);
    }
  });

  it('may call the text of a JSON object as a request does, unless a key is named', async () => {
    const file = folder.write('requests.jsonl', '{"text":"as in a request"}\n');
    expect(await read({ file }, 'posts')).toEqual(['1 as in a request']);
    expect(await read({ file, column: 'posts' })).toEqual([
      expect.stringContaining('expected a string, or an object with a string "posts"'),
    ]);
  });

  it('is text lines where nothing says another format, and what it is told to be', async () => {
    const file = folder.write('notes', 'text\na line, and so on\n');
    expect(await read({ file })).toEqual(['1 text', '2 a line, and so on']);
    expect(await read({ file: '-', format: 'tsv' })).toEqual(['2 from standard input']);
    expect(await read({ file: folder.write('data.csv.bak', 'text\na'), format: 'csv' })).toEqual([
      '2 a',
    ]);
  });

  it.each([
    ['standard input with --column', { file: '-', column: 'text' }, 'expected --format'],
    ['a name without a format, with --column', { file: plain('data'), column: 'text' }, '--format'],
    ['a name that once ended in .csv', { file: plain('a.csv.bak') }, 'does not tell a format'],
    ['a column of a text file', { file: plain('a.txt'), column: 'text' }, 'has no columns'],
    ['nothing', {}, 'no texts: expected a file'],
    ['a text and a file', { file: 'a.txt', text: ['b'] }, 'both --text and a file'],
  ])('that is %s is a mistake of usage', (_name, choice, message) => {
    expect(() => open(choice)).toThrow(
      expect.objectContaining({ code: 'usage', message: expect.stringContaining(message) }),
    );
  });

  it('that is no text is refused by what it is, before its format is asked for', () => {
    const file = folder.write('data.parquet', 'PAR1...');
    expect(() => open({ file, column: 'text' })).toThrow(
      expect.objectContaining({ message: expect.stringContaining('is a Parquet file') }),
    );
  });

  it('says how far it is read, of how much where that is known', async () => {
    const content = 'text\na text\nanother one\n';
    for (const [choice, size, all] of [
      [{ file: folder.write('far.csv', content) }, content.length, content.length],
      [{ file: '-', format: 'tsv' }, undefined, 'id\ttext\n1\tfrom standard input\n'.length],
      [{ text: ['a', 'b'] }, undefined, 0],
    ] as const) {
      const input = open(choice);
      expect([input.totalBytes, input.bytesRead()]).toEqual([size, 0]);
      for await (const _ of input.records({ learntColumn: undefined, maxBytes: 1000 }));
      expect(input.bytesRead()).toBe(all);
    }
  });

  it('of texts on the command line counts them from 1', async () => {
    expect(await read({ text: ['one', 'two'] })).toEqual(['1 one', '2 two']);
  });

  it('names its records for messages', () => {
    expect(open({ file: '-' }).placeOf(3)).toBe('standard input, line 3');
    expect(open({ text: ['a', 'b'] }).placeOf(2)).toBe('--text 2');
  });
});
