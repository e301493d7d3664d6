import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { longestWindow, tokenWindows, windowCount, windowRanges } from '../../../src/text/index.ts';

const special = { clsId: 101, sepId: 102 };

describe('token windows', () => {
  it('cut ids into consecutive pieces between [CLS] and [SEP]', () => {
    expect(tokenWindows([1, 2, 3, 4, 5], 4, special)).toEqual([
      [101, 1, 2, 102],
      [101, 3, 4, 102],
      [101, 5, 102],
    ]);
  });

  it('are one even where there are no ids', () => {
    expect(tokenWindows([], 8, special)).toEqual([[101, 102]]);
  });

  it('hold every id once, in order, and all but the last are full', () => {
    fc.assert(
      fc.property(fc.array(fc.nat(100)), fc.integer({ min: 3, max: 20 }), (ids, maxLength) => {
        const windows = tokenWindows(ids, maxLength, special);
        expect(windows.flatMap((window) => window.slice(1, -1))).toEqual(ids);
        for (const window of windows.slice(0, -1)) expect(window).toHaveLength(maxLength);
        expect(windows).toHaveLength(Math.max(1, Math.ceil(ids.length / (maxLength - 2))));
      }),
    );
  });

  it('are the first ones where fewer are wanted than the text has', () => {
    const ids = [1, 2, 3, 4, 5];
    expect(tokenWindows(ids, 4, special, 2)).toEqual(tokenWindows(ids, 4, special).slice(0, 2));
    expect(windowCount(5, 4)).toBe(3);
    expect(windowRanges(5, 4, 2)).toEqual([
      { start: 0, length: 2 },
      { start: 2, length: 2 },
    ]);
  });

  it('refuse a length without room for text', () => {
    expect(() => tokenWindows([1], 2, special)).toThrow(/no room/);
  });
});

describe('the longest window', () => {
  const tokenizer = { clsId: 2, sepId: 3, padId: 0, vocabularySize: 6 };

  it('has as many tokens as a window may, of the largest ids, and none of padding', () => {
    expect(longestWindow(10, tokenizer)).toEqual([2, 5, 4, 3, 2, 1, 2, 5, 4, 3]);
    expect(longestWindow(3, tokenizer)).toEqual([2, 5, 3]);
  });
});
