import { gzipSync } from 'node:zlib';
import { describe, expect, it } from '@jest/globals';
import { formats } from '../../../src/files/index.ts';
import { readRows } from '../../support/read-rows.ts';

const rows = 'text,label\nthe first of the texts,a\nthe second of the texts,b\n';
const utf16 = Buffer.from(rows, 'utf16le');

describe.each(formats)('a file read as %s', (format) => {
  it.each([
    ['UTF-16', Buffer.from(`\uFEFF${rows}`, 'utf16le')],
    ['UTF-16', Buffer.from(`\uFEFF${rows}`, 'utf16le').swap16()],
    ['UTF-16', utf16],
    ['UTF-16', Buffer.from(utf16).swap16()],
    ['UTF-32', Buffer.from([0xff, 0xfe, 0, 0, 0x74, 0, 0, 0])],
    ['compressed with gzip', gzipSync(rows)],
    ['compressed with bzip2', Buffer.from('BZh91AY&SY...')],
    ['a zip archive or an .xlsx workbook', Buffer.from('PK\x03\x04...')],
    ['a Parquet file', Buffer.from('PAR1...')],
    ['an SQLite database', Buffer.from('SQLite format 3\0...')],
    ['an .xls workbook', Buffer.from('d0cf11e0a1b11ae1', 'hex')],
    [
      'a Git LFS pointer',
      Buffer.from('version https://git-lfs.github.com/spec/v1\noid sha256:0\n'),
    ],
  ])('that is %s is refused by name', async (is, bytes) => {
    for (const piece of [1, 5000]) {
      await expect(readRows(format, bytes, { piece })).rejects.toMatchObject({
        code: 'data_invalid',
        message: expect.stringContaining(`f is ${is}`),
        hint: expect.any(String),
      });
    }
  });

  it('may hold a NUL here and there', async () => {
    const input = { text: 'text\0 one', jsonl: '"a\\u0000"\n', csv: 'text\na\0', tsv: 'text\na\0' };
    expect(await readRows(format, input[format])).toHaveLength(1);
  });
});
