import { once } from 'node:events';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { formatInside, formatOf, openFile, shown } from '../../../src/files/index.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';

const folder = temporaryFolder();

describe('a path', () => {
  it('that is not there is missing, and none that is no file is opened', async () => {
    const socket = join(folder.path, 'socket');
    const server = createServer().listen(socket);
    await once(server, 'listening');
    expect(() => openFile(join(folder.path, 'none'), 'check it')).toThrow(
      expect.objectContaining({ code: 'file_missing', hint: 'check it' }),
    );
    const inFile = join(folder.write('file', 'x'), 'none');
    expect(() => openFile(inFile, '')).toThrow(expect.objectContaining({ code: 'file_missing' }));
    expect(() => openFile(socket, '')).toThrow('socket is a socket: expected a file');
    server.close();
    expect(() => openFile(folder.path, '')).toThrow('is a folder: expected a file');
    expect(() => openFile('/dev/null', '')).toThrow('/dev/null is a device: expected a file');
  });
});

describe('the format of a file', () => {
  it.each([
    ['a.CSV', 'csv'],
    ['b.jsonl', 'jsonl'],
    ['c.ndjson', 'jsonl'],
    ['c.json', 'jsonl'],
    ['folder.csv/d.txt', 'text'],
    ['e.tsv', 'tsv'],
    ['f.csv.gz', 'csv'],
    ['-', undefined],
    ['folder.csv/names', undefined],
    ['data.csv.bak', undefined],
  ])('called %s is %s', (file, format) => {
    expect(formatOf(file)).toBe(format);
  });

  it('that a name speaks of without ending in it is known as well', () => {
    expect(formatInside('folder.tsv/data.csv.bak')).toBe('csv');
    expect(formatInside('posts.2024.jsonl.1')).toBe('jsonl');
    expect(formatInside('notes.txt')).toBeUndefined();
    expect(formatInside('folder.csv/notes')).toBeUndefined();
  });
});

describe('what a message shows of a file', () => {
  it('is quoted, cut, and has nothing in it that acts on a terminal', () => {
    expect(shown('a"b')).toBe('"a\\"b"');
    expect(shown('\u001b]0;x\u0007\u009b2J\u202e\u2028é')).toBe(
      '"\\u001b]0;x\\u0007\\u009b2J\\u202e\\u2028é"',
    );
    expect(shown('x'.repeat(41))).toBe(`"${'x'.repeat(40)}…"`);
    expect(shown('\u{1F600}'.repeat(50))).not.toMatch(/[\ud800-\udfff](?![\udc00-\udfff])"/);
  });
});
