import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { TextTokenizer, tokenizedWords } from '../../../src/text/index.ts';

const fixtures = join(import.meta.dirname, '../../fixtures/tokenizer');
const json = gunzipSync(readFileSync(join(fixtures, 'tokenizer.json.gz'))).toString('utf8');
const bert = TextTokenizer.fromJson(JSON.parse(json));
const cases: { text: string }[] = readFileSync(join(fixtures, 'cases.jsonl'), 'utf8')
  .trim()
  .split('\n')
  .map((line) => JSON.parse(line));

const slice = (text: string, start: number, end: number) =>
  Array.from(text).slice(start, end).join('');

/** Ids from letters; `spaced` tokens hold the space before them, as byte-level tokenizers do. */
const characterTokenizer = (spaced: boolean) => ({
  pieces: (text: string) => {
    const pieces = text.match(spaced ? / ?[^ ]/g : /[^ ]/g) ?? [];
    return {
      pieces,
      ids: pieces.map((piece) => piece.codePointAt(piece.length - 1)! * piece.length),
    };
  },
});

describe('the words of a text', () => {
  it('have the pieces of a word together, with its place', () => {
    expect(
      tokenizedWords('Unbelievable, don’t!', bert).map(({ ids, ...word }) => [ids.length, word]),
    ).toEqual([
      [1, { text: 'Unbelievable', start: 0, end: 12, pieces: ['unbelievable'] }],
      [1, { text: ',', start: 12, end: 13, pieces: [','] }],
      [3, { text: 'don’t', start: 14, end: 19, pieces: ['don', '’', 't'] }],
      [1, { text: '!', start: 19, end: 20, pieces: ['!'] }],
    ]);
    const [word] = tokenizedWords('tokenizing', bert);
    expect(word?.pieces).toEqual(['token', '##izing']);
  });

  it('are counted in characters, not in code units', () => {
    const text = '😀😀 café 𝒜bc';
    for (const { text: word, start, end } of tokenizedWords(text, bert)) {
      expect(slice(text, start, end)).toBe(word);
    }
  });

  it.each(cases.map(({ text }) => text))('have all ids of %j in their order', (text) => {
    const words = tokenizedWords(text, bert);
    expect(words.flatMap(({ ids }) => ids)).toEqual(bert.encode(text));
    for (const { text: word, start, end } of words) expect(slice(text, start, end)).toBe(word);
  });

  it('have all ids of any text', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 60 }), (text) => {
        const words = tokenizedWords(text, bert);
        expect(words.flatMap(({ ids }) => ids)).toEqual(bert.encode(text));
      }),
      { numRuns: 300 },
    );
  });

  it('keep a special token in the text whole', () => {
    const words = tokenizedWords('a [SEP] b', bert);
    expect(words.map(({ text, pieces }) => [text, pieces])).toContainEqual(['[SEP]', ['[SEP]']]);
  });

  it('are found for tokenizers whose tokens hold the space before them', () => {
    const words = tokenizedWords('ab c.', characterTokenizer(true));
    expect(words.map(({ text, pieces }) => [text, pieces])).toEqual([
      ['ab', ['a', 'b']],
      ['c', [' c']],
      ['.', ['.']],
    ]);
  });

  it('are the whole text where a tokenizer joins words', () => {
    const joining = { pieces: (text: string) => ({ ids: [text.length], pieces: [text] }) };
    expect(tokenizedWords('two words', joining)).toEqual([
      { text: 'two words', start: 0, end: 9, ids: [9], pieces: ['two words'] },
    ]);
  });
});
