import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { parseJson, readJsonFile, readTextFile } from '../../../src/files/index.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';

const folder = temporaryFolder();
const lfs =
  'version https://git-lfs.github.com/spec/v1\noid sha256:4d7a214614ab2935c943f9e0ff69d22e\nsize 12345\n';

/** A file of these bytes. */
function fileOf(content: string | Buffer): string {
  const file = join(folder.path, 'config.json');
  writeFileSync(file, content);
  return file;
}

describe('a JSON file', () => {
  it('is read with or without a byte order mark', () => {
    expect(readJsonFile(fileOf('{"a":1}'))).toEqual({ a: 1 });
    expect(readJsonFile(fileOf('\uFEFF{"a":"ü"}'))).toEqual({ a: 'ü' });
    expect(Object.keys(readJsonFile(fileOf('{"__proto__":1}')))).toEqual(['__proto__']);
  });

  it.each<[string, string | Buffer, RegExp]>([
    ['NaN', '{"a": 1,\n "std": NaN}', /not JSON: it holds NaN at line 2, column 9/],
    ['Infinity', '{"model_max_length": Infinity}', /holds Infinity at line 1, column 22/],
    ['-Infinity', '{"a": [0, -Infinity]}', /holds -Infinity at line 1, column 11/],
    ['a comma too many', '{"a": 1,\r\n}', /not JSON: .* at line 2, column 1/],
    ['single quotes', "{'a': 1}", /not JSON: invalid symbol at line 1, column 2/],
    ['an end that is missing', '{"a": {', /not JSON: .* at line 1, column 8/],
    ['nothing', '', /not JSON: .* at line 1, column 1/],
    ['a key twice', '{"a": {"b": 1,\n"b": 2}}', /has the key "b" twice: again at line 2, column 1/],
    ['a list', '[1]', /does not hold a JSON object/],
    ['a Git LFS pointer', lfs, /is a Git LFS pointer in place of the file itself/],
    ['a web page', '<!doctype html>', /is a web page/],
    ['gzip', Buffer.of(0x1f, 0x8b, 8, 0), /is compressed/],
    ['UTF-16', Buffer.from('\uFEFF{"a":1}', 'utf16le'), /is UTF-16: expected UTF-8/],
    ['UTF-16 without a mark', Buffer.from('{"a":1}', 'utf16le'), /is UTF-16/],
    [
      'Windows-1252',
      Buffer.from('{\n"a": "caf\xe9"}', 'latin1'),
      /is not UTF-8: line 2 holds bytes that are none/,
    ],
    [
      'nesting without end',
      `${'['.repeat(200_000)}1`,
      /config\.json is nested over 500 levels deep/,
    ],
    [
      'nesting behind a string of brackets',
      `{"[[[":\n${'['.repeat(200_000)}1`,
      /is nested over 500 levels deep at line 2, column 500: expected 500 at most$/,
    ],
    [
      'values without end',
      `{"a": [\n${'0,'.repeat(4_000_000)}0]}`,
      /holds more than 4000000 values, at line 2/,
    ],
    ['escape sequences', '{"a": \u001b[31m}', /not JSON: invalid symbol at line 1, column 7$/],
    ['a string without an end', '{"a": "\\\\\\"[[', /is not JSON: unexpected end of string/],
  ])('with %s is refused by its name, with the place', (_, content, says) => {
    const file = fileOf(content);
    const read = (): unknown => readJsonFile(file);
    expect(read).toThrow(expect.objectContaining({ code: 'data_invalid' }));
    expect(read).toThrow(says);
    expect(read).toThrow(file);
  });

  it('is nested 500 levels deep at most, whatever its keys', () => {
    const deep = (levels: number) => `{"a":${'['.repeat(levels - 1)}${']'.repeat(levels - 1)}}`;
    for (const options of [{}, { mayRepeat: true }]) {
      expect(Object.keys(readJsonFile(fileOf(deep(500)), options))).toEqual(['a']);
      expect(() => readJsonFile(fileOf(deep(501)), options)).toThrow(
        /is nested over 500 levels deep at line 1, column 505: expected 500 at most/,
      );
    }
  });

  it.each([
    ['white space before the colon', '{"a":1,"a" \n:2}', '"a"'],
    ['an escape', '{"a":1,"\\u0061":2}', '"a"'],
    ['what acts on a terminal', '{"\\u001b[31m":1,"\\u001b[31m":2}', '"\\\\u001b\\[31m"'],
    ['a name of the language', '{"__proto__":1,"__proto__":2}', '"__proto__"'],
    ['a megabyte', `{"${'k'.repeat(1e6)}":1,"${'k'.repeat(1e6)}":2}`, `"${'k'.repeat(40)}…"`],
  ])('that has a key twice is refused: %s', (_, text, key) => {
    expect(() => readJsonFile(fileOf(text))).toThrow(new RegExp(`has the key ${key} twice: again`));
  });

  it('may have the same key in two objects, and as a value', () => {
    const text = '{"a":{"b":"a","c":["a","a",{"b":1}]},"b":{"b":"b"}}';
    expect(readJsonFile(fileOf(text))).toEqual(JSON.parse(text));
  });

  it('may have signs of JSON in its strings', () => {
    const text = JSON.stringify({ '[{"\\': `${'['.repeat(600)}\\"`, a: [0] });
    for (const options of [{}, { mayRepeat: true }]) {
      expect(readJsonFile(fileOf(text), options)).toEqual(JSON.parse(text));
    }
  });

  it('that is not there, or no file, is told from one that is wrong', () => {
    const codes = {
      missing: 'config_missing',
      invalid: 'config_invalid',
      hint: 'make one',
    } as const;
    const read = (file: string) => () => readJsonFile(join(folder.path, file), codes);
    fileOf('{}');
    for (const none of ['none.json', 'config.json/inside.json']) {
      expect(read(none)).toThrow(
        expect.objectContaining({ code: 'config_missing', hint: 'make one' }),
      );
    }
    expect(read('.')).toThrow(/is a folder: expected a file/);
    expect(read('.')).toThrow(expect.objectContaining({ code: 'config_invalid' }));
  });

  (process.platform === 'win32' ? it.skip : it)('is no device, which has no end', () => {
    expect(() => readTextFile('/dev/zero')).toThrow(/zero is a device or pipe: expected a file/);
  });

  it('may not be larger than its limit', () => {
    expect(() => readJsonFile(fileOf('{"a":12}'), { limit: 7 })).toThrow(
      /has 8 bytes: expected 7 at most/,
    );
    for (const limit of [8, 9])
      expect(readJsonFile(fileOf('{"a":12}'), { limit })).toEqual({ a: 12 });
  });
});

describe('JSON that is secret', () => {
  it.each(['{"secret": secret}', '{"secret":1,"secret":2}', '"secret', 'secret'])(
    'is not repeated in what is said of it: %s',
    (text) => {
      const parse = (): unknown => parseJson(text, { name: 'it', secret: true });
      expect(parse).toThrow(/^it (is not JSON|has a key twice)/);
      expect(parse).not.toThrow(/secret/);
    },
  );
});
