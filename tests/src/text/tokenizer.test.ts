import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { describe, expect, it } from '@jest/globals';
import { TextTokenizer } from '../../../src/text/index.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';

const fixtures = join(import.meta.dirname, '../../fixtures/tokenizer');

interface Case {
  readonly text: string;
  /** What the Rust library gives, special tokens included. */
  readonly ids: number[];
}

const cases: Case[] = readFileSync(join(fixtures, 'cases.jsonl'), 'utf8')
  .trim()
  .split('\n')
  .map((line) => JSON.parse(line));

const json = gunzipSync(readFileSync(join(fixtures, 'tokenizer.json.gz'))).toString('utf8');
const tokenizer = TextTokenizer.fromJson(JSON.parse(json));

describe('a BERT tokenizer', () => {
  it('gives the ids of the Rust library on every case', () => {
    expect(cases).toHaveLength(323);
    const got = cases.map(({ text }) => tokenizer.encodeWithSpecialTokens(text));
    expect(got).toEqual(cases.map(({ ids }) => ids));
  });

  it('encodes without special tokens what it encodes with them', () => {
    for (const { text } of cases) {
      const bare = [tokenizer.clsId, ...tokenizer.encode(text), tokenizer.sepId];
      expect(bare).toEqual(tokenizer.encodeWithSpecialTokens(text));
    }
  });

  it('knows its special tokens and its size', () => {
    const { clsId, sepId, padId, unkId, vocabularySize } = tokenizer;
    expect({ clsId, sepId, padId, unkId, vocabularySize }).toEqual({
      clsId: 101,
      sepId: 102,
      padId: 0,
      unkId: 100,
      vocabularySize: 30522,
    });
  });
});

describe('loading a tokenizer', () => {
  const folder = temporaryFolder();

  it('reads a folder or the file itself', () => {
    const file = folder.write('good/tokenizer.json', json);
    const ids = tokenizer.encode('Hello, world!');
    expect(TextTokenizer.load(file).encode('Hello, world!')).toEqual(ids);
    expect(TextTokenizer.load(join(folder.path, 'good')).encode('Hello, world!')).toEqual(ids);
  });

  it.each([
    [
      'a folder that does not exist',
      'none',
      'file_missing',
      /none\/tokenizer\.json does not exist/,
    ],
    ['a file that does not exist', 'none/tokenizer.json', 'file_missing', /does not exist/],
    ['a file that is not JSON', 'broken/tokenizer.json', 'data_invalid', /not JSON/],
    ['JSON that is no object', 'list/tokenizer.json', 'data_invalid', /JSON object/],
    [
      'JSON that is no tokenizer',
      'empty/tokenizer.json',
      'data_invalid',
      /model is missing: expected an object/,
    ],
  ])('refuses %s', (_title, name, code, message) => {
    folder.write('broken/tokenizer.json', json.slice(0, 1000));
    folder.write('list/tokenizer.json', '[]');
    folder.write('empty/tokenizer.json', '{}');
    const load = () => TextTokenizer.load(join(folder.path, name));
    expect(load).toThrow(message);
    expect(load).toThrow(expect.objectContaining({ code }));
  });
});
