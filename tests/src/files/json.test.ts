import { describe, expect, it } from '@jest/globals';
import { readRows, told } from '../../support/read-rows.ts';

const json = async (input: string, options = {}) => told(await readRows('jsonl', input, options));
const noText = 'it holds no text: expected a string, or an object with a string "post"';

describe('JSON lines', () => {
  it('are objects with the text under a key, or strings', async () => {
    const lines = '\uFEFF{"post":"a","n":1}\n"b"\r\n\n  \n{"post":3}\n[1]\n{\n"c"';
    expect(await json(lines, { text: ['post'] })).toEqual([
      '1 a',
      '2 b',
      `5 ! ${noText}`,
      `6 ! ${noText}`,
      '7 ! it is not valid JSON: "{"',
      '8 c',
    ]);
  });

  it('hold the text under the first of several keys that there is', async () => {
    const lines = '{"text":"a"}\n{"text":"b","post":"c"}\n';
    expect(await json(lines, { text: ['post', 'text'] })).toEqual(['1 a', '2 c']);
  });

  it('hold labels as strings, numbers, true or false', async () => {
    const lines = '{"text":"a","label":1}\n{"text":"b","label":false}\n{"text":"c"}\n"d"\n';
    expect(await json(lines, { others: ['label'] })).toEqual([
      '1 a|1',
      '2 b|false',
      '3 ! it has no "label": expected a string, a number, true or false',
      '4 ! it holds no text: expected an object with a string "text"',
    ]);
  });

  it('without any are an error', async () => {
    for (const input of ['', '\n \n', '\uFEFF', '[]', ' [ ] \n']) {
      await expect(json(input)).rejects.toThrow('f is empty: expected JSON objects or strings');
    }
  });
});

describe('a row of JSON that its parser would take in silence', () => {
  const last = '{"text":"last"}';
  it.each([
    ['a key twice', '{"text":"a","text":"b"}', 'it has the key "text" twice'],
    ['a key twice, once escaped', '{"text":"a","t\\u0065xt":"b"}', 'it has the key "text" twice'],
    ['a key twice inside', '{"text":"a","n":{"x":1,"x":2}}', 'it has the key "x" twice'],
    [
      'nesting',
      `{"text":"a","n":${'['.repeat(10_000)}${']'.repeat(10_000)}}`,
      'it is nested over 500 levels deep',
    ],
    ['a text of the prototype', '{"__proto__":{"text":"a"}}', undefined],
  ])('is none: %s', async (_, row, why) => {
    const problem = why ?? 'it holds no text: expected a string, or an object with a string "text"';
    const options = { piece: 1 << 16, maxBytes: 1e6 };
    expect(await json(`${row}\n${last}\n`, options)).toEqual([`1 ! ${problem}`, '2 last']);
    expect(await json(`[${row},\n${last}]`, options)).toEqual([`1 ! ${problem}`, '2 last']);
  });

  it('is one where strings only look so', async () => {
    const row = JSON.stringify({ text: '","text":"\\', n: ['text', 'text', '\\"'], text2: '{[' });
    expect(await json(row)).toEqual(['1 ","text":"\\']);
  });
});

describe('a JSON array', () => {
  it('holds what JSON lines hold, over any number of lines, in whatever pieces', async () => {
    const input =
      ' [\r\n  {"text": "a, ] \\" }",\n   "n": [1, {"x": 2}]},\n  "b",\n {"text": 5}, {"text":"c"}\n]\n';
    for (const piece of [1, 3, 1000]) {
      expect(await json(input, { piece })).toEqual([
        '2 a, ] " }',
        '4 b',
        '5 ! it holds no text: expected a string, or an object with a string "text"',
        '5 c',
      ]);
    }
  });

  it('passes over a value that is too long or not UTF-8, and no other', async () => {
    const bytes = Buffer.concat([
      Buffer.from(`["${'x'.repeat(50)}","`),
      Buffer.of(0xe8),
      Buffer.from('","c"]'),
    ]);
    expect(told(await readRows('jsonl', bytes, { maxBytes: 20 }))).toEqual([
      '1 ! it is longer than 20 bytes',
      '1 ! it is not valid UTF-8: byte 0xE8 after "\\""',
      '1 c',
    ]);
  });

  it.each([
    ['lacks a comma', '["a"\n"b"]', /^f, line 1: it is not valid JSON/],
    ['has a comma too many', '["a",\n]', /^f, line 2: it is not valid JSON/],
    ['is not closed', '["a",\n"b"', /^f: its JSON array is never closed/],
    ['is not alone', '["a"]\n["b"]', /^f, line 2: something follows the JSON array/],
  ])('that %s is an error', async (_name, input, message) => {
    await expect(json(input)).rejects.toThrow(message);
  });
});
