import { describe, expect, it } from '@jest/globals';
import { TextTokenizer } from '../../../../src/text/index.ts';
import { tokenizerJson } from '../../../support/tokenizer-json.ts';

const special = { '[PAD]': 0, '[UNK]': 1, '[CLS]': 2, '[SEP]': 3 };
const load = (parts: Record<string, unknown>) => TextTokenizer.fromJson(tokenizerJson(parts));
const many = (count: number, component: object): object[] => new Array(count).fill(component);
const normalizers = (...list: object[]) => ({
  normalizer: { type: 'Sequence', normalizers: list },
});
const replace = (pattern: object, content: string) => ({ type: 'Replace', pattern, content });
const byteLevel = { type: 'ByteLevel', add_prefix_space: true, use_regex: false };
const wordPiece = (change: object) => ({
  model: {
    type: 'WordPiece',
    vocab: special,
    unk_token: '[UNK]',
    continuing_subword_prefix: '##',
    max_input_chars_per_word: 100,
    ...change,
  },
});
const added = (change: object) => ({
  added_tokens: [
    {
      id: 4,
      content: '<x>',
      single_word: false,
      lstrip: false,
      rstrip: false,
      normalized: false,
      special: true,
      ...change,
    },
  ],
});
/** A map of sentencepiece whose trie is empty. */
const map = (replacement: string) => ({
  normalizer: {
    type: 'Precompiled',
    precompiled_charsmap: Buffer.concat([
      Buffer.of(4, 0, 0, 0, 0, 0, 0, 0),
      Buffer.from(`a\0${replacement}\0`),
    ]).toString('base64'),
  },
});

describe('a tokenizer without measure', () => {
  it.each<[string, Record<string, unknown>, RegExp]>([
    [
      'components without end',
      normalizers(...many(100, { type: 'Lowercase' })),
      /tokenizer\.json is made of more than 100 components/,
    ],
    [
      'a text that doubles again and again',
      normalizers(...many(10, replace({ String: 'a' }, 'aa'))),
      /normalizers\[\d\] is what makes texts more than 1000 times as long/,
    ],
    [
      'something between all characters',
      normalizers(...many(10, replace({ Regex: 'b*' }, 'a'))),
      /more than 1000 times/,
    ],
    [
      'a place that is found everywhere',
      normalizers(...many(10, replace({ Regex: '$' }, 'a'))),
      /more than 1000 times/,
    ],
    [
      'bytes of bytes of bytes',
      { pre_tokenizer: { type: 'Sequence', pretokenizers: many(5, byteLevel) } },
      /more than 1000 times/,
    ],
    [
      'bytes of what doubled',
      { ...normalizers(replace({ String: 'a' }, 'x'.repeat(300))), pre_tokenizer: byteLevel },
      /pre_tokenizer is what makes texts/,
    ],
    [
      'much before every text',
      { normalizer: { type: 'Prepend', prepend: 'a'.repeat(1001) } },
      /normalizer is long: expected 1000 characters at most/,
    ],
    [
      'a long replacement in a map',
      map('x'.repeat(1001)),
      /a replacement of 1001 bytes: expected 1000 at most/,
    ],
    [
      'words of any length',
      wordPiece({ max_input_chars_per_word: 1e9 }),
      /max_input_chars_per_word is 1000000000: expected an integer from 0 to 10000/,
    ],
    [
      'a long prefix',
      wordPiece({ continuing_subword_prefix: '#'.repeat(101) }),
      /continuing_subword_prefix is .*: expected 100 characters at most/,
    ],
    [
      'a long token',
      wordPiece({ vocab: { ...special, ['x'.repeat(1001)]: 4 } }),
      /about the token "x{40}…" of 1001 characters: expected 1000 at most/,
    ],
    [
      'a long piece',
      {
        model: {
          type: 'Unigram',
          unk_id: 0,
          vocab: [
            ['[UNK]', 0],
            ['x'.repeat(1001), -1],
          ],
        },
      },
      /of 1001 characters/,
    ],
    ['a long added token', added({ content: 'x'.repeat(1001) }), /of 1001 characters/],
    [
      'an added token of a huge id',
      added({ id: 2 ** 53 }),
      /id is 9007199254740992: expected an integer from 0 to 67108863/,
    ],
    [
      'added tokens without end',
      { added_tokens: new Array(100_001).fill(0) },
      /a list of 100001 tokens: expected 100000 at most/,
    ],
    [
      'a pattern without end',
      {
        pre_tokenizer: {
          type: 'Split',
          pattern: { Regex: 'a'.repeat(2001) },
          behavior: 'Isolated',
          invert: false,
        },
      },
      /a pattern of 2001 characters: expected 2000 at most/,
    ],
    [
      'a text to cut at without end',
      {
        pre_tokenizer: {
          type: 'Split',
          pattern: { String: 'a'.repeat(2001) },
          behavior: 'Isolated',
          invert: false,
        },
      },
      /a pattern of 2001 characters/,
    ],
    [
      'steps without end',
      {
        pre_tokenizer: {
          type: 'Split',
          pattern: { Regex: '(a{99}){99}' },
          behavior: 'Isolated',
          invert: false,
        },
      },
      /not matched in linear time: it has more than 1000 steps/,
    ],
    [
      'a name that acts on a terminal',
      { pre_tokenizer: { type: 'Digits', individual_digits: true, '\u001b[2J': 1 } },
      /pre_tokenizer\["\\u001b\[2J"\] is an attribute that is not honoured/,
    ],
  ])('is refused for %s', (_, parts, message) => {
    expect(() => load(parts)).toThrow(message);
  });

  it.each<[string, Record<string, unknown>]>([
    ['99 components and the sequence around them', normalizers(...many(99, { type: 'Lowercase' }))],
    [
      'many replacements of the same length',
      normalizers(...many(50, replace({ Regex: 'b+' }, 'a'))),
    ],
    ['a text that is 1000 times as long', normalizers(replace({ String: 'a' }, 'x'.repeat(1000)))],
    [
      '1000 characters before a text',
      { normalizer: { type: 'Prepend', prepend: 'a'.repeat(1000) } },
    ],
    ['a replacement of 1000 bytes', map('x'.repeat(1000))],
    ['words of 10,000 characters', wordPiece({ max_input_chars_per_word: 10_000 })],
    ['a prefix of 100 characters', wordPiece({ continuing_subword_prefix: '#'.repeat(100) })],
    ['a token of 1000 characters', wordPiece({ vocab: { ...special, ['x'.repeat(1000)]: 4 } })],
    [
      'a pattern of 900 characters',
      {
        pre_tokenizer: {
          type: 'Split',
          pattern: { Regex: 'a'.repeat(900) },
          behavior: 'Isolated',
          invert: false,
        },
      },
    ],
  ])('is none with %s', (_, parts) => {
    expect(load(parts).encode('b')).not.toContain(undefined);
  });
});

describe('added tokens', () => {
  const tokens = (...contents: string[]) =>
    load({
      added_tokens: contents.map((content, i) => ({
        id: 4 + i,
        content,
        single_word: false,
        lstrip: false,
        rstrip: false,
        normalized: false,
        special: true,
      })),
    });

  it('are found as the longest that begin where the first one does', () => {
    const { encode } = {
      encode: (text: string) => tokens('<a', '<a>', '<a><a', '>', '👩').encode(text),
    };
    expect(encode('<a><a><a')).toEqual([6, 7, 4]);
    expect(encode('x<a👩>')).toEqual([1, 4, 8, 7]);
  });

  it('take time linear in a text of their beginnings', () => {
    const text = 'a'.repeat(50_000);
    expect(tokens(`${'a'.repeat(900)}b`).words(text)).toEqual([text]);
  });

  it('are never half of a character', () => {
    expect(tokens('\ud83d').encode('👩')).toEqual([1]);
    expect(tokens('\ud83d').encode('\ud83dx')).toEqual([4, 1]);
  });
});
