import { describe, expect, it } from '@jest/globals';
import {
  bareName,
  isHarmless,
  nameShown,
  onOneLine,
  shown,
  shownValue,
  withoutControls,
} from '../../../src/files/index.ts';

const hostile = 'x\u001b[2J\nerror: forged\u202e\u2028\u009b\ud800"\\';
const escaped = 'x\\u001b[2J\\nerror: forged\\u202e\\u2028\\u009b\\ud800\\"\\\\';

describe('a foreign text in a message', () => {
  it('is quoted, with nothing in it that acts on a terminal or breaks the line', () => {
    expect(shown(hostile)).toBe(`"${escaped}"`);
    expect(nameShown(hostile)).toBe(`"${escaped}"`);
    expect(bareName(hostile)).toBe(escaped);
  });

  it('is cut: a piece of a file at 40 characters, a name at 160', () => {
    expect(shown('a'.repeat(41))).toBe(`"${'a'.repeat(40)}…"`);
    expect(nameShown('a'.repeat(160))).toBe(`"${'a'.repeat(160)}"`);
    expect(nameShown('a'.repeat(161))).toBe(`"${'a'.repeat(160)}…"`);
    // Lists are mapped: the place in the list says nothing.
    expect(['abc', 'def'].map(shown)).toEqual(['"abc"', '"def"']);
  });

  it('is as it stands where it is harmless', () => {
    expect(nameShown('/layer.0/attention/q_lin/MatMul')).toBe('"/layer.0/attention/q_lin/MatMul"');
    expect(bareName('naïve 名前 😀')).toBe('naïve 名前 😀');
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

describe('a message of another program', () => {
  it('is one line, cut where it is long', () => {
    expect(onOneLine('\na \n b\r\nc\td\u001b')).toBe('a b c\\u0009d\\u001b');
    expect(onOneLine('abc', 2)).toBe('ab…');
    expect(onOneLine('a'.repeat(3000))).toHaveLength(2001);
  });
});

describe('text of several lines', () => {
  it('keeps line breaks and tabs, and nothing else that acts', () => {
    expect(withoutControls('a\n\tb\u001b[31m\r\u0007')).toBe('a\n\tb\\u001b[31m\\u000d\\u0007');
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
