import { describe, expect, it } from '@jest/globals';
import { gaussLobatto } from '../../../../training/artifacts/explain/quadrature.ts';

const integral = (count: number, f: (x: number) => number): number => {
  const { nodes, weights } = gaussLobatto(count);
  return nodes.reduce((sum, x, i) => sum + weights[i]! * f(x), 0);
};

describe('Gauss–Lobatto quadrature', () => {
  it.each([2, 3, 4, 5, 8, 12, 16, 48])('of %d points integrates what it is exact for', (count) => {
    for (let degree = 0; degree <= 2 * count - 3; degree++) {
      // Rounding alone.
      expect(integral(count, (x) => x ** degree)).toBeCloseTo(1 / (degree + 1), 12);
    }
    const beyond = 2 * count - 2;
    if (count <= 4) {
      expect(Math.abs(integral(count, (x) => x ** beyond) - 1 / (beyond + 1))).toBeGreaterThan(
        1e-6,
      );
    }
  });

  it.each([2, 5, 12, 320])('of %d points has both ends and ascends', (count) => {
    const { nodes, weights } = gaussLobatto(count);
    expect([nodes.length, nodes[0], nodes.at(-1)]).toEqual([count, 0, 1]);
    expect(nodes).toEqual([...new Set(nodes)].sort((a, b) => a - b));
    expect(Math.min(...weights)).toBeGreaterThan(0);
  });
});
