import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { binOf, psi } from '../../../../src/telemetry/drift/psi.ts';

describe('the bin of a value', () => {
  it('is the first whose edge is not below it', () => {
    expect([-9, 1, 1.5, 2, 3, 3.01].map((value) => binOf([1, 2, 3], value))).toEqual([
      0, 0, 1, 1, 2, 3,
    ]);
    expect(binOf([], 7)).toBe(0);
  });

  it('is found as by looking through all edges', () => {
    fc.assert(
      fc.property(
        fc.uniqueArray(fc.integer(), { maxLength: 40 }),
        fc.integer(),
        (numbers, value) => {
          const edges = numbers.toSorted((a, b) => a - b);
          expect(binOf(edges, value)).toBe(edges.filter((edge) => edge < value).length);
        },
      ),
    );
  });
});

describe('the population stability index', () => {
  it('is Σ (a − e) ln(a / e)', () => {
    const byHand = (0.5 - 0.2) * Math.log(0.5 / 0.2) + (0.5 - 0.8) * Math.log(0.5 / 0.8);
    // 1e-12: sums of two doubles of about 0.1.
    expect(psi([0.2, 0.8], [0.5, 0.5])).toBeCloseTo(byHand, 12);
  });

  it('is 0 for the same shares, and counts an empty bin as 0.0001', () => {
    expect(psi([0.25, 0, 0.75], [0.25, 0, 0.75])).toBe(0);
    const byHand = (1e-4 - 1) * Math.log(1e-4) + (1 - 1e-4) * Math.log(1e4);
    // 1e-9: of a sum of about 18.
    expect(psi([1, 0], [0, 1])).toBeCloseTo(byHand, 9);
  });
});
