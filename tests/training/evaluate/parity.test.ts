import { describe, expect, it } from '@jest/globals';
import { parityOf } from '../../../training/evaluate/index.ts';

const axes = [{ threshold: 0.5 }, { threshold: 0.3 }];
const before = Float64Array.of(0.9, 0.4, 0.6, 0.1, 0.2, 0.35, 0.45, 0.9);
const labels = [1, 1, 1, 0, 0, 1, 0, 1];

describe('parityOf', () => {
  it('says of a model and itself that nothing has changed', () => {
    expect(parityOf(axes, before, before, labels, 1)).toEqual({
      texts: 4,
      decisions: 8,
      agreement: 1,
      mean_dp: 0,
      max_dp: 0,
      macro_f1_change: 0,
      macro_f1_interval: [0, 0],
    });
  });

  it('counts decisions by the threshold of their axis, and means over texts and axes', () => {
    const after = Float64Array.from(before);
    after[2] = 0.4; // text 1, axis 0: over 0.5 before
    after[5] = 0.31; // text 2, axis 1: still over 0.3
    const parity = parityOf(axes, before, after, labels, 1);
    expect(parity.agreement).toBeCloseTo(7 / 8, 12);
    expect(parity.mean_dp).toBeCloseTo((0.2 + 0.04) / 8, 12);
    expect(parity.max_dp).toBeCloseTo(0.2, 12);
    // Axis 0: labels 1 1 0 0, decisions 1 1 0 0 before and 1 0 0 0 after: macro-F1 1 and (2/3 + 4/5) / 2.
    expect(parity.macro_f1_change).toBeCloseTo(((2 / 3 + 4 / 5) / 2 - 1) / 2, 12);
    const [low, high] = parity.macro_f1_interval;
    expect(low).toBeLessThan(parity.macro_f1_change);
    expect(high).toBe(0);
  });

  it('draws the same samples from the same seed', () => {
    const after = before.map((p) => 1 - p);
    expect(parityOf(axes, before, after, labels, 7)).toEqual(
      parityOf(axes, before, after, labels, 7),
    );
  });

  it('agrees with nothing where the second model gives no number', () => {
    const after = before.map(() => Number.NaN);
    const { agreement, mean_dp } = parityOf(axes, before, after, labels, 1);
    expect(agreement).toBeLessThan(1);
    expect(mean_dp).toBeNaN();
  });
});
