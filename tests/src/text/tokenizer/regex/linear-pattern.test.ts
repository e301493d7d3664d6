import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { LinearPattern } from '../../../../../src/text/tokenizer/regex/linear-pattern.ts';

/** What JavaScript's own engine finds. */
const expected = (source: string, text: string) =>
  Array.from(text.matchAll(new RegExp(source, 'gu')), ({ 0: { length }, index }) => [
    index,
    index + length,
  ]);

const textsOf = (...characters: string[]) =>
  fc.array(fc.constantFrom(...characters), { maxLength: 12 }).map((text) => text.join(''));
const basic = ['a', 'b', 'c', ' ', '\n', 'é', '1'];

const atoms = fc.constantFrom(
  'a',
  'b',
  '[ab]',
  '[^a]',
  '\\p{L}',
  '\\s',
  '.',
  '😀',
  '[\\s\\S]',
  '1',
);
/** Patterns of every construct; those that are refused are not compared. */
const { pattern } = fc.letrec<{ pattern: string }>((tie) => ({
  pattern: fc.oneof(
    { maxDepth: 4, withCrossShrink: true },
    atoms,
    fc.tuple(tie('pattern'), tie('pattern')).map(([a, b]) => a + b),
    fc.tuple(tie('pattern'), tie('pattern')).map(([a, b]) => `(?:${a}|${b})`),
    fc
      .tuple(tie('pattern'), fc.constantFrom('*', '+', '?', '{2}', '{0,2}', '{2,}', '{1,3}'))
      .chain(([a, q]) => fc.constantFrom(`(${a})${q}`, `(?:${a})${q}?`)),
    fc
      .tuple(fc.constantFrom('?=', '?!', '?<=', '?<!'), tie('pattern'))
      .map(([sign, a]) => `(${sign}${a})`),
  ),
}));

describe('LinearPattern', () => {
  it('finds what the engine of JavaScript finds', () => {
    // Of pairs of surrogates that engine may find what is empty between the two: they have a test of their own.
    const texts = textsOf(...basic);
    let compared = 0;
    fc.assert(
      fc.property(pattern, fc.array(texts, { minLength: 1, maxLength: 4 }), (source, all) => {
        let linear: LinearPattern;
        try {
          linear = new LinearPattern(source);
        } catch {
          return;
        }
        compared++;
        for (const text of all) expect(linear.matches(text)).toEqual(expected(source, text));
      }),
      { numRuns: 2_000 },
    );
    expect(compared).toBeGreaterThan(1_000);
  });

  it.each([
    [
      "(?:'s|'t|'re)|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}{1,3}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+",
    ],
    ['(?<=a)b|(?<!a)b+?(?=\\n|c)'],
    ['(?:(?<![\\s\\S])|(?<=\\n))a'],
    ['\\u{1f600}|\\x61|\\u0062|\\/|[\\]\\-a]'],
    ['a|'],
  ])('finds what it finds for %s', (source) => {
    const linear = new LinearPattern(source);
    fc.assert(
      fc.property(textsOf(...basic, '😀', '\ud83d', '\ude00'), (text) => {
        expect(linear.matches(text)).toEqual(expected(source, text));
      }),
    );
  });

  // JavaScript's engine would be at the first of these until the sun is cold, and at the last for minutes.
  it.each([
    ['(a+)+(?![\\s\\S])'],
    ['(a|aa)+(?![\\s\\S])'],
    ['(?:a+?a*?)+?b|(a|a)*c'],
    ['a+a+a+a+a+b'],
    ['a+(?![\\s\\S])'],
    ['(?=(?:a|a)+b)a'],
    ['(?<=b(?:a|a)+)c'],
  ])('takes time linear in the text for %s', (source) => {
    const text = `${'a'.repeat(100_000)}!`;
    expect(new LinearPattern(source).matches(text)).toEqual([]);
  });

  it('keeps to itself when every place of a text is of another kind', () => {
    const linear = new LinearPattern('a(?=.{12}a)|b');
    const text = Array.from({ length: 50_000 }, (_, i) => ((i * i) % 7 < 3 ? 'a' : 'b')).join('');
    expect(linear.matches(text)).toEqual(expected('a(?=.{12}a)|b', text));
    expect(linear.matches('ab')).toEqual([[1, 2]]);
  });

  it.each([
    ['a{1001}', 'more than 1000 steps'],
    ['((a{100}){100}){100}', 'more than 1000 steps'],
    ['(?:a*)*', 'can be empty'],
    ['(?:a??)?', 'can be empty'],
    [`${'('.repeat(200)}a${')'.repeat(200)}`, '100 deep'],
    ['(?<=(?<=a)b)c', 'looks around itself'],
    ['(?<=(?!a)b)c', 'looks around itself'],
    ['(?<=a)'.repeat(9), 'more than 8 parts look behind'],
    ['(a)\\1', 'cannot be read'],
    ['\\b', 'cannot be read'],
  ])('refuses %s', (source, problem) => {
    expect(() => new LinearPattern(source)).toThrow(problem);
  });

  it('repeats what is empty as often as nothing', () => {
    expect(new LinearPattern('(?:(?:){999}){999}a').matches('ba')).toEqual([[1, 2]]);
  });
});
