import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { cleanText, countTypeNames, isTooShort, tooShortMessage } from '../../../src/text/index.ts';

const mbti = (text: string) => cleanText(text, 'mbti');

describe('cleaning of the MBTI corpus', () => {
  it.each([
    ["b'I read.|||You too?", 'I read. You too?'],
    ['b"It was fine', 'It was fine'],
    ['one|||two|||three', 'one two three'],
    ['see https://t.co/a?b=c|||and http://x.org or www.y.net/z now', 'see and or now'],
    ['look ![a cat](https://example.org/cat.png) here', 'look here'],
    [
      'Keep 0-9, these: . , ! ? - : ; and it\'s "not" these',
      "Keep 0-9, these: . , ! ? - : ; and it's not these",
    ],
    ['drop (all) *of* + these / marks <b>&</b> [x] _y_', 'drop all of these marks b b x y'],
    ['  many \t\n spaces  ', 'many spaces'],
    ['caf\u00e9 \u{1F600} \u2026', 'caf'],
  ])('%j becomes %j', (raw, cleaned) => {
    expect(mbti(raw)).toBe(cleaned);
  });

  it('takes out type names in any case, plural or possessive, as whole words only', () => {
    expect(mbti("INFP infj's ENTPs, (ISTJ) _esfp_ INTP/ENFP-T stay: INFPX XENTJ ENXX")).toBe(
      ', -T stay: INFPX XENTJ ENXX',
    );
  });

  it('counts the type names that it takes out', () => {
    expect(countTypeNames("I am an INFP, not an INTJ or two ISTPs; INFPX isn't one")).toBe(3);
    expect(countTypeNames('https://example.org/INFP no type here')).toBe(0);
  });

  it('leaves only the characters that are kept, no type name and no run of spaces', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 200 }), (raw) => {
        const text = mbti(raw);
        expect(text).toMatch(/^[a-zA-Z0-9 .,!?'\-:;]*$/);
        expect(text).not.toMatch(/ {2}|^ | $|\b[ie][ns][tf][jp]\b/i);
      }),
    );
  });

  it('changes nothing in a text that is clean already', () => {
    const words = fc.array(fc.stringMatching(/^[ac-hj-z]{1,9}[.,!?]?$/), { minLength: 1 });
    fc.assert(
      fc.property(words, (list) => {
        expect(mbti(list.join(' '))).toBe(list.join(' '));
      }),
    );
  });
});

describe('cleaning of other corpora', () => {
  it('drops control characters, halves of surrogate pairs and runs of white space, nothing else', () => {
    expect(
      cleanText(' a\0b\u0007 \u00a0\n caf\u00e9 \ud800x \u{1F600} [INFP] ||| http://x.y ', 'none'),
    ).toBe('ab caf\u00e9 x \u{1F600} [INFP] ||| http://x.y');
  });

  it.each(['\u0085', '\u2028', '\u2029', '\u000b', '\u000c', '\u00a0', '\ufeff', '\r'])(
    'takes %j for white space, which joins no words',
    (end) => {
      expect(cleanText(`one${end}two${end}`, 'none')).toBe('one two');
      expect(mbti(`one${end}two${end}`)).toBe('one two');
    },
  );

  it('is idempotent', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 200 }), (raw) => {
        const once = cleanText(raw, 'none');
        expect(cleanText(once, 'none')).toBe(once);
      }),
    );
  });
});

describe('the shortest text', () => {
  it('has so many characters, an emoji counting as one', () => {
    expect(isTooShort('123456789', 10)).toBe(true);
    expect(isTooShort('1234567890', 10)).toBe(false);
    expect(isTooShort('\u{1F600}'.repeat(9), 10)).toBe(true);
    expect(isTooShort('\u{1F600}'.repeat(10), 10)).toBe(false);
    expect(isTooShort('a', 1)).toBe(false);
    expect(isTooShort('', 1)).toBe(true);
  });

  it.each([
    '\u200b',
    '\u200c',
    '\u200d',
    '\u2060',
    '\ufeff',
    '\u00ad',
    '\u0007',
    '\u202e',
    '\ufe0f',
  ])('does not count %j, which nobody sees', (unseen) => {
    expect(isTooShort(`a${unseen.repeat(20)}b`, 3)).toBe(true);
    expect(tooShortMessage(`a${unseen.repeat(20)}b`, 3)).toBe(
      'has 2 characters after cleaning: expected at least 3',
    );
  });
});
