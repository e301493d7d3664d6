import { describe, expect, it } from '@jest/globals';
import { isHarmless, shown, shownLine, shownValue } from '../../../src/files/index.ts';

const hostile = 'a\u001b[31m\nerror: b\u009b\u2028\u202e\u200b\ud83d';

describe('a foreign name in a message', () => {
  it('has nothing in it that acts on a terminal', () => {
    expect(shown(hostile)).toBe('"a\\u001b[31m\\nerror: b\\u009b\\u2028\\u202e\\u200b\\ud83d"');
    expect(shownLine(hostile)).toBe('a\\u001b[31m error: b\\u009b\\u2028\\u202e\\u200b\\ud83d');
  });

  it('is cut where it is long', () => {
    expect(shown('x'.repeat(1e7))).toBe(`"${'x'.repeat(40)}…"`);
    expect(shownLine('x'.repeat(1e7), 5)).toBe('xxxxx…');
  });

  it('can stand as it is unless it acts on a terminal or hides what it says', () => {
    expect(['E/I', 'naïve 👩‍💻', 'نعم', 'a\u200cb'].map(isHarmless)).toEqual([
      true,
      true,
      true,
      true,
    ]);
    expect(['\n', '\u001b', '\u009b', '\u2028', '\u202e', '\ud83d', '\0'].map(isHarmless)).toEqual(
      new Array(7).fill(false),
    );
  });
});

describe('a foreign value in a message', () => {
  it.each([
    [undefined, 'missing'],
    [null, 'null'],
    [Number.POSITIVE_INFINITY, 'Infinity'],
    [true, 'true'],
    ['a\u001b', '"a\\u001b"'],
    [[1, 'x', []], '[1,"x",[]]'],
    [{ a: { b: [1] } }, '{"a":{"b":[1]}}'],
    [Array.from({ length: 1e6 }, () => 1), '[1,1,1,1,1,1,1,1,…]'],
    [{ '\u001b': 1 }, '{"\\u001b":1}'],
  ])('is shown as JSON: %#', (value, text) => {
    expect(shownValue(value)).toBe(text);
  });

  it('may be nested as deeply as it will', () => {
    let deep: unknown = [];
    for (let i = 0; i < 100_000; i++) deep = [deep];
    expect(shownValue(deep)).toBe('[[[[…]]]]');
  });
});
