import { describe, expect, it } from '@jest/globals';
import {
  type TokenizedText,
  withinWindows,
} from '../../../../training/recipes/delivery/split-scores.ts';

/** A text of so many tokens; a window takes 2, beside [CLS] and [SEP]. */
const text = (tokens: number): TokenizedText => ({ ids: new Array<number>(tokens).fill(7) });
const cut = { maxLength: 4, maxWindows: 3 };

describe('the first texts within a number of windows', () => {
  const texts = [text(2), text(3), text(4), text(0)];

  it.each([
    [6, 4],
    [5, 3],
    [4, 2],
    [3, 2],
    [2, 1],
    [1, 1],
  ])('%i windows hold %i texts of 1, 2, 2 and 1', (most, count) => {
    expect(withinWindows(texts, cut, most)).toEqual(texts.slice(0, count));
  });

  it('hold one text at least, however long it is', () => {
    expect(withinWindows([text(100), text(1)], cut, 1)).toHaveLength(1);
  });

  it('count no more windows of a text than are served', () => {
    expect(withinWindows([text(100), text(1)], cut, 4)).toHaveLength(2);
  });
});
