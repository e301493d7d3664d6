import { describe, expect, it } from '@jest/globals';
import { costOf, RUNS_OF_AN_EXPLANATION } from '../../../src/scheduler/cost.ts';

const windows = { maxLength: 100, maxWindows: 4 };

describe('what a text costs', () => {
  it('is a token for four letters, and two for [CLS] and [SEP]', () => {
    expect(costOf('')).toBe(2);
    expect(costOf('four')).toBe(3);
    expect(costOf('вечер в саду')).toBe(5);
    expect(costOf('a'.repeat(4000))).toBe(1002);
  });

  it('is a token for what is one by itself: punctuation, ideographs, emoji', () => {
    expect(costOf('!?')).toBe(4);
    expect(costOf('晚上')).toBe(4);
    expect(costOf('👍')).toBe(4);
  });

  it('is that of the windows that are computed at most, and something for the rest of its length', () => {
    expect(costOf('!'.repeat(300), false, windows)).toBe(302);
    expect(costOf('!'.repeat(1600), false, windows)).toBe(400);
    expect(costOf('!'.repeat(64_000 + 1600), false, windows)).toBe(400 + 1000);
  });

  it('counts every run of an explanation', () => {
    const runs = 1 + RUNS_OF_AN_EXPLANATION;
    expect(costOf('four', true, windows)).toBe(3 * runs);
    expect(costOf('!'.repeat(64_000 + 1600), true, windows)).toBe(400 * runs + 1000);
  });
});
