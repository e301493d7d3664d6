import { describe, expect, it } from '@jest/globals';
import { learnVocabulary } from '../../../../training/data/wordpiece/vocabulary.ts';

const counts = (words: Record<string, number>) => new Map(Object.entries(words));

/** The same by the definition: counts all pairs anew before every merge. */
function byDefinition(words: Map<string, number>, size: number): string[] {
  let split = [...words]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([word, count]) => ({
      count,
      symbols: Array.from(word, (c, i) => (i === 0 ? c : `##${c}`)),
    }));
  const pieces = [...new Set(split.flatMap(({ symbols }) => symbols))].sort();
  const names = [...pieces];
  const rank = (name: string) => names.indexOf(name);
  while (pieces.length < size) {
    const pairs = new Map<string, { left: string; right: string; count: number }>();
    for (const { symbols, count } of split) {
      for (let i = 0; i + 1 < symbols.length; i++) {
        const [left = '', right = ''] = [symbols[i], symbols[i + 1]];
        const pair = pairs.get(`${left} ${right}`) ?? { left, right, count: 0 };
        pair.count += count;
        pairs.set(`${left} ${right}`, pair);
      }
    }
    const [best] = [...pairs.values()].sort(
      (a, b) => b.count - a.count || rank(a.left) - rank(b.left) || rank(a.right) - rank(b.right),
    );
    if (!best || best.count < 2) break;
    const piece = best.left + best.right.slice(2);
    if (!names.includes(piece)) names.push(piece);
    if (!pieces.includes(piece)) pieces.push(piece);
    split = split.map(({ count, symbols }) => {
      const merged: string[] = [];
      for (let i = 0; i < symbols.length; i++) {
        if (symbols[i] === best.left && symbols[i + 1] === best.right) {
          merged.push(piece);
          i++;
        } else merged.push(symbols[i] as string);
      }
      return { count, symbols: merged };
    });
  }
  return pieces;
}

describe('a learnt vocabulary', () => {
  it('merges the most frequent pair first', () => {
    const words = counts({ abab: 3, ab: 4, xy: 2 });
    expect(learnVocabulary(words, { size: 20, given: [] })).toEqual([
      '##a',
      '##b',
      '##y',
      'a',
      'x',
      'ab',
      '##ab',
      'abab',
      'xy',
    ]);
  });

  it('is what counting all pairs anew before every merge gives', () => {
    const text = `the thin thing then thinks that the hen in the inn is thin and the banana bandana
      banned a cabana aaaa aaa aaaaa abababab babab mississippi missing kissing hissing`;
    const words = new Map<string, number>();
    for (const word of text.split(/\s+/)) words.set(word, (words.get(word) ?? 0) + 1);
    for (const size of [25, 40, 60, 200]) {
      expect(learnVocabulary(words, { size, given: [] })).toEqual(byDefinition(words, size));
    }
  });

  it('begins with the given pieces and keeps to its size', () => {
    const words = counts({ hello: 5, help: 5 });
    const vocabulary = learnVocabulary(words, { size: 11, given: ['[PAD]', 'z'] });
    expect(vocabulary.slice(0, 2)).toEqual(['[PAD]', 'z']);
    expect(vocabulary).toHaveLength(11);
    expect(new Set(vocabulary).size).toBe(11);
  });

  it('makes no piece of what occurs once', () => {
    expect(learnVocabulary(counts({ unique: 1 }), { size: 100, given: [] })).toHaveLength(6);
  });

  it('does not depend on the order of the words', () => {
    const list: [string, number][] = [
      ['banana', 2],
      ['band', 2],
      ['and', 2],
      ['ana', 2],
    ];
    const options = { size: 30, given: [] };
    expect(learnVocabulary(new Map(list), options)).toEqual(
      learnVocabulary(new Map(list.reverse()), options),
    );
  });
});
