import { describe, expect, it } from '@jest/globals';
import { isReference } from '../../../src/bundle/reference.ts';
import { referenceOf } from '../../../training/evaluate/index.ts';

const axes = [{ name: 'tone' }];
const texts = (count: number) =>
  Array.from({ length: count }, (_, i) => ({
    probabilities: [((i * 37) % count) / count],
    tokens: 3 + (i % 4),
    windows: 1,
    unknownTokens: 0,
  }));

describe('a reference', () => {
  it('has ten bins of as many texts each, where there are enough texts', () => {
    const { texts: count, features } = referenceOf(axes, texts(1000));
    expect(count).toBe(1000);
    expect(features.tone?.shares).toEqual(Array(10).fill(0.1));
    expect(features.tone?.edges[4]).toBe(0.499);
  });

  it('has fewer bins of few texts, and of values that repeat', () => {
    expect(referenceOf(axes, texts(100)).features.tone?.shares).toHaveLength(5);
    expect(referenceOf(axes, texts(3)).features.tone?.shares).toHaveLength(2);
    expect(referenceOf(axes, texts(1000)).features).toMatchObject({
      text_length: { edges: [1, 2, 3, 4], shares: [0.25, 0.25, 0.25, 0.25, 0] },
      unknown_rate: { edges: [0], shares: [1, 0] },
    });
  });

  it('is one that a manifest may hold', () => {
    for (const count of [1, 7, 500]) {
      expect(isReference(JSON.parse(JSON.stringify(referenceOf(axes, texts(count)))))).toBe(true);
    }
  });
});
