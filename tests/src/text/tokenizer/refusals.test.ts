import { describe, expect, it } from '@jest/globals';
import { TextTokenizer } from '../../../../src/text/index.ts';
import { tokenizerJson } from '../../../support/tokenizer-json.ts';

const specials = { '[PAD]': 0, '[UNK]': 1, '[CLS]': 2, '[SEP]': 3 };
const wordLevel = (vocab: object) => ({
  model: { type: 'WordLevel', vocab, unk_token: '[UNK]' },
});
const bpe = (more: object) => ({
  model: { type: 'BPE', vocab: { ...specials, a: 4, b: 5, ab: 6 }, merges: [['a', 'b']], ...more },
});
const unigram = (vocab: unknown, more: object = {}) => ({
  model: { type: 'Unigram', unk_id: 0, vocab, ...more },
});
const normalizer = (json: object) => ({ normalizer: json });
const splitter = (json: object) => ({ pre_tokenizer: json });
const split = (Regex: string) =>
  splitter({ type: 'Split', pattern: { Regex }, behavior: 'Isolated', invert: false });
const metaspace = (more: object = {}) => ({
  type: 'Metaspace',
  replacement: '▁',
  prepend_scheme: 'first',
  ...more,
});
const template = (single: unknown[]) => ({
  post_processor: {
    type: 'TemplateProcessing',
    single,
    pair: [],
    special_tokens: { '[CLS]': { id: '[CLS]', ids: [2], tokens: ['[CLS]'] } },
  },
});
const cls = { SpecialToken: { id: '[CLS]', type_id: 0 } };
const text = { Sequence: { id: 'A', type_id: 0 } };
const added = (id: unknown, content: string, more: object = {}) => ({ id, content, ...more });

describe('a tokenizer.json that would give other ids', () => {
  it.each<[title: string, parts: object, message: RegExp]>([
    ['a version that is not known', { version: '2.0' }, /version is "2.0": expected "1.0"/],
    ['no model', { model: null }, /model is null: expected an object/],
    [
      'a normalizer of an unknown type',
      normalizer({ type: 'Lemma' }),
      /normalizer is of the type "Lemma", which is not honoured/,
    ],
    [
      'a normalizer without a type',
      normalizer({ lowercase: true }),
      /normalizer\.type is missing: expected a string/,
    ],
    [
      'a nested one',
      normalizer({ type: 'Sequence', normalizers: [{ type: 'NFC' }, { type: 'Lemma' }] }),
      /normalizer\.normalizers\[1\] is of the type "Lemma"/,
    ],
    [
      'an attribute that is not known',
      normalizer({ type: 'NFC', form: 'D' }),
      /normalizer\.form is an attribute that is not honoured/,
    ],
    [
      'an attribute that is missing',
      normalizer({ type: 'Strip', strip_left: true }),
      /normalizer\.strip_right is missing: expected true or false/,
    ],
    [
      'an attribute of another kind',
      normalizer({ type: 'Prepend', prepend: 7 }),
      /normalizer\.prepend is 7: expected a string/,
    ],
    [
      'a map of characters that is none',
      normalizer({ type: 'Precompiled', precompiled_charsmap: 'AAAA' }),
      /precompiled_charsmap is not a map of characters/,
    ],
    [
      'a splitter by script',
      splitter({ type: 'UnicodeScripts' }),
      /pre_tokenizer is of the type "UnicodeScripts"/,
    ],
    [
      'a splitter that only JavaScript knows',
      splitter({ type: 'Replace', pattern: { String: 'a' }, content: 'b' }),
      /pre_tokenizer is of the type "Replace"/,
    ],
    [
      'a behaviour that is not known',
      splitter({ type: 'Punctuation', behavior: 'isolated' }),
      /behavior is "isolated": expected one of Removed, Isolated/,
    ],
    [
      'a delimiter of two characters',
      splitter({ type: 'CharDelimiterSplit', delimiter: 'ab' }),
      /delimiter is "ab": expected one character/,
    ],
    [
      'an empty pattern',
      splitter({ type: 'Split', pattern: { String: '' }, behavior: 'Removed', invert: false }),
      /pattern\.String is empty/,
    ],
    [
      'two patterns',
      splitter({
        type: 'Split',
        pattern: { String: 'a', Regex: 'b' },
        behavior: 'Removed',
        invert: false,
      }),
      /expected either "String" or "Regex"/,
    ],
    [
      'pieces of no length',
      splitter({ type: 'FixedLength', length: 0 }),
      /length is 0: expected a length above 0/,
    ],
    [
      'the scheme "first" after another splitter',
      splitter({ type: 'Sequence', pretokenizers: [{ type: 'WhitespaceSplit' }, metaspace()] }),
      /pretokenizers\[1\]\.prepend_scheme is "first" after another pre-tokenizer/,
    ],
    [
      'the scheme "first" after a normalizer that strips',
      {
        ...normalizer({
          type: 'Sequence',
          normalizers: [{ type: 'Strip', strip_left: true, strip_right: true }],
        }),
        ...splitter(metaspace()),
      },
      /Metaspace with the scheme "first" after the normalizer Strip/,
    ],
    [
      'a scheme that add_prefix_space contradicts',
      splitter(metaspace({ add_prefix_space: false })),
      /prepend_scheme is first, although add_prefix_space is false/,
    ],
    ['dropout of merges', bpe({ dropout: 0.1 }), /model\.dropout is not honoured/],
    [
      'a merge that the vocabulary lacks',
      bpe({ merges: ['a b', 'ab a'] }),
      /model\.merges\[1\] is a merge of "ab" and "a"/,
    ],
    [
      'a merge of three',
      bpe({ merges: ['a b c'] }),
      /model\.merges\[0\] is "a b c": expected a pair of tokens/,
    ],
    [
      'an unknown token that the vocabulary lacks',
      bpe({ unk_token: '<unk>' }),
      /model\.unk_token is "<unk>", which the vocabulary lacks/,
    ],
    [
      'a model of an unknown type',
      { model: { type: 'Lattice', vocab: specials } },
      /model is of the type "Lattice"/,
    ],
    [
      'a fractional id',
      wordLevel({ ...specials, a: 4.5 }),
      /token "a" has the id 4.5: expected an integer/,
    ],
    ['a negative id', wordLevel({ ...specials, a: -1 }), /token "a" has the id -1/],
    [
      'an id beyond 2^53',
      wordLevel({ ...specials, a: 2 ** 53 + 2 }),
      /token "a" has the id 9007199254740994/,
    ],
    ['an id in quotes', wordLevel({ ...specials, a: '4' }), /token "a" has the id "4"/],
    [
      'an id that two tokens have',
      wordLevel({ ...specials, a: 3 }),
      /tokens "\[SEP\]" and "a" share the id 3/,
    ],
    ['an empty vocabulary', wordLevel({}), /model\.vocab is \{\}: expected at least one token/],
    [
      'a piece that stands twice',
      unigram([
        ['<s>', 0],
        ['</s>', 0],
        ['<s>', 0],
      ]),
      /ids 0 and 2 are both "<s>"/,
    ],
    [
      'a piece without a score',
      unigram([['<s>', 0], ['</s>']]),
      /model\.vocab\[1\] is \["<\/s>"\]: expected a piece and its score/,
    ],
    ['no unknown piece', unigram([['<s>', 0]], { unk_id: null }), /model\.unk_id is null/],
    [
      'an unknown piece outside of the vocabulary',
      unigram([['<s>', 0]], { unk_id: 1 }),
      /model\.unk_id is 1: expected an id of the vocabulary/,
    ],
    [
      'an added token with another id than the vocabulary says',
      { added_tokens: [added(7, '[SEP]')] },
      /added_tokens\[0\] is the token "\[SEP\]" with the id 7: it would get 3/,
    ],
    [
      'an added token that skips an id',
      { added_tokens: [added(4, 'x'), added(6, 'y')] },
      /added_tokens\[1\] is the token "y" with the id 6: it would get 5/,
    ],
    [
      'an added token with a fractional id',
      { added_tokens: [added(4.5, 'x')] },
      /added_tokens\[0\]\.id is 4.5/,
    ],
    [
      'an added token with a flag that is not known',
      { added_tokens: [added(4, 'x', { regex: true })] },
      /added_tokens\[0\]\.regex is an attribute that is not honoured/,
    ],
    [
      'added tokens that normalising makes equal',
      { ...normalizer({ type: 'Lowercase' }), added_tokens: [added(4, 'A'), added(5, 'a')] },
      /token "a" is the same as "A" once normalised/,
    ],
    [
      'no token before a text',
      template([text, cls]),
      /post_processor is a template with 0 tokens before a text and 1 after it/,
    ],
    [
      'two tokens before a text',
      template([cls, cls, text]),
      /2 tokens before a text and 0 after it/,
    ],
    ['a template without the text', template([cls]), /does not hold the text once/],
    [
      'a template with a second text',
      template([cls, text, { Sequence: { id: 'B', type_id: 0 } }]),
      /single\[2\]\.Sequence is .* expected the sequence A/,
    ],
    [
      'a post-processor whose id no token has',
      { post_processor: { type: 'BertProcessing', cls: ['[CLS]', 2], sep: ['[SEP]', 9] } },
      /post_processor is about the id 9, which no token has/,
    ],
    [
      'a post-processor whose token has two ids',
      { post_processor: { type: 'BertProcessing', cls: ['[CLS]', 2, 2], sep: ['[SEP]', 3] } },
      /post_processor\.cls is .*: expected a token and its id/,
    ],
    [
      'a post-processor of an unknown type',
      { post_processor: { type: 'Around' } },
      /post_processor is of the type "Around"/,
    ],
  ])('is refused for %s', (_title, parts, message) => {
    const load = () => TextTokenizer.fromJson(tokenizerJson({ ...parts }));
    expect(load).toThrow(message);
    expect(load).toThrow(expect.objectContaining({ code: 'data_invalid' }));
  });

  it.each([
    ['\\s++$', '++'],
    ['(?>a|ab)c', '(?'],
    ['(a)\\1', '\\1'],
    ['(?i)a', '(?'],
    ['(?i:ß)', '(?'],
    ['(?i:ss)', '(?'],
    ['(?i:[a-z])', '(?'],
    ['\\bword\\b', '\\b'],
    ['\\Aa', '\\A'],
    ['[[a-z]&&[^b]]', '['],
    ['[[:alpha:]]', '['],
    ['\\p{Alpha}', '\\p{'],
    ['[\\W]', '['],
    ['a{2}+', '{2}+'],
    ['(?<name>a)', '(?'],
  ])('is refused for the pattern %s, by the part that is not honoured', (regex, part) => {
    const shown = JSON.stringify(part).slice(0, -1);
    expect(() => TextTokenizer.fromJson(tokenizerJson(split(regex)))).toThrow(
      `pre_tokenizer.pattern.Regex is a pattern with ${shown}`,
    );
  });

  it('is refused for a pattern that is none', () => {
    expect(() => TextTokenizer.fromJson(tokenizerJson(split('(a')))).toThrow(
      /Regex is not a pattern/,
    );
  });
});
