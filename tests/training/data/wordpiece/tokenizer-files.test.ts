import { describe, expect, it } from '@jest/globals';
import { TextTokenizer } from '../../../../src/text/index.ts';
import { learnTokenizer } from '../../../../training/data/wordpiece/tokenizer-files.ts';

const texts = [
  'The quick brown foxes jumped over the lazy dogs!',
  'Quick foxes jump; lazy dogs sleep. 42 dogs, 42 foxes.',
  "Don't wake the Caf\u00e9's dogs \u4f60\u597d",
];
const files = learnTokenizer([...texts, ...texts], 400);
const tokenizer = TextTokenizer.fromJson(files.tokenizerJson, files.tokenizerConfig);

describe('a learnt tokenizer', () => {
  it('has the special tokens first', () => {
    const { padId, unkId, clsId, sepId } = tokenizer;
    expect([padId, unkId, clsId, sepId]).toEqual([0, 1, 2, 3]);
    const { vocab } = files.tokenizerJson.model as { vocab: Record<string, number> };
    expect(vocab['[MASK]']).toBe(4);
    expect(Object.values(vocab).sort((a, b) => a - b)).toEqual(
      Object.keys(vocab).map((_, id) => id),
    );
  });

  it('lower-cases, drops accents and puts [CLS] and [SEP] around', () => {
    const ids = tokenizer.encode('the lazy cafe');
    expect(tokenizer.encode('The LAZY Caf\u00e9')).toEqual(ids);
    expect(tokenizer.encodeWithSpecialTokens('the lazy cafe')).toEqual([2, ...ids, 3]);
  });

  it('knows its own words as one piece, spells out new ones, and has [UNK] for new characters', () => {
    expect(tokenizer.encode('quick foxes')).toHaveLength(2);
    expect(tokenizer.encode('zyzzyva')).not.toContain(tokenizer.unkId);
    expect(tokenizer.encode('\u042f')).toEqual([tokenizer.unkId]);
  });

  it('puts a pair of texts together as BERT does, for other tools', () => {
    const id = (piece: Record<string, { id: string; type_id: number }>) =>
      Object.values(piece).map((one) => `${one.id}:${one.type_id}`)[0];
    const { single, pair } = files.tokenizerJson.post_processor as Record<'single' | 'pair', []>;
    expect(single.map(id)).toEqual(['[CLS]:0', 'A:0', '[SEP]:0']);
    expect(pair.map(id)).toEqual(['[CLS]:0', 'A:0', '[SEP]:0', 'B:1', '[SEP]:1']);
  });

  it('learns from words of 100 letters at most, which are the longest that it splits', () => {
    const word = 'ab'.repeat(50);
    const learnt = (text: string) => {
      const many = Array.from({ length: 9 }, () => text);
      const { tokenizerJson } = learnTokenizer(many, 400);
      const model = tokenizerJson.model as { vocab: object; max_input_chars_per_word: number };
      expect(model.max_input_chars_per_word).toBe(100);
      return Object.keys(model.vocab).some((piece) => piece.includes('ab'));
    };
    expect([learnt(word.slice(1)), learnt(word), learnt(`${word}a`)]).toEqual([true, true, false]);
  });

  it('is the same for the same texts', () => {
    expect(learnTokenizer([...texts, ...texts], 400)).toEqual(files);
  });

  it('has at most as many pieces as asked for, except those that every tokenizer has', () => {
    expect(learnTokenizer(texts, 100).tokenizerJson).toHaveProperty('model.vocab.a');
    const { model } = learnTokenizer(texts, 105).tokenizerJson as { model: { vocab: object } };
    expect(Object.keys(model.vocab)).toHaveLength(105);
  });
});
