import { describe, expect, it } from '@jest/globals';
import {
  bareName,
  nameShown,
  onOneLine,
  shown,
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
});

describe('a message of another program', () => {
  it('is one line, cut where it is long', () => {
    expect(onOneLine('a\nb\r\tc\u001b')).toBe('a\\u000ab\\u000d\\u0009c\\u001b');
    expect(onOneLine('abc', 2)).toBe('ab…');
    expect(onOneLine('a'.repeat(3000))).toHaveLength(2001);
  });
});

describe('text of several lines', () => {
  it('keeps line breaks and tabs, and nothing else that acts', () => {
    expect(withoutControls('a\n\tb\u001b[31m\r\u0007')).toBe('a\n\tb\\u001b[31m\\u000d\\u0007');
  });
});
