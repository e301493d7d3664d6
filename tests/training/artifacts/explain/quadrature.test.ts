import { describe, expect, it } from '@jest/globals';
import { nestedRules } from '../../../../training/artifacts/explain/quadrature.ts';

const sum = (values: readonly number[]): number => values.reduce((a, b) => a + b, 0);

describe('nested Clenshaw–Curtis rules', () => {
  it.each([
    [3, [3]],
    [4, [3]],
    [9, [9]],
    [16, [9]],
    [17, [17]],
    [64, [17, 33]],
    [129, [17, 33, 65, 129]],
  ])('of at most %d points have %j', (most, counts) => {
    const rules = nestedRules(most);
    expect(rules.counts).toEqual(counts);
    expect(rules.nodes).toHaveLength(counts.at(-1)!);
    expect(new Set(rules.nodes).size).toBe(rules.nodes.length);
    expect(rules.nodes.slice(0, 2)).toEqual([1, 0]);
  });

  it('use the points up to their count alone, all of them', () => {
    const { weights, counts } = nestedRules(129);
    counts.forEach((count, rule) => {
      expect(Math.min(...weights[rule]!.slice(0, count))).toBeGreaterThan(0);
      expect(weights[rule]!.slice(count).every((weight) => weight === 0)).toBe(true);
    });
  });

  it.each([3, 5, 9, 65])('of %d points integrate polynomials exactly', (most) => {
    const { nodes, weights, counts } = nestedRules(most);
    counts.forEach((count, rule) => {
      for (let degree = 0; degree < count; degree++) {
        const found = sum(nodes.map((x, i) => weights[rule]![i]! * x ** degree));
        // Rounding alone.
        expect(found).toBeCloseTo(1 / (degree + 1), 12);
      }
    });
    const [first = 0] = counts;
    const beyond = sum(nodes.map((x, i) => weights[0]![i]! * x ** (first + 1)));
    if (first <= 5) expect(Math.abs(beyond - 1 / (first + 2))).toBeGreaterThan(1e-4);
  });
});
