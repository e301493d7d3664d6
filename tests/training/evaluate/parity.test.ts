import { describe, expect, it } from '@jest/globals';
import { parityOf } from '../../../training/evaluate/index.ts';
import { Random } from '../../../training/random.ts';

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

  it('counts differences in both directions as differences', () => {
    const after = Float64Array.from(before);
    after[0] = 0.6; // 0.3 less
    after[3] = 0.5; // 0.4 more
    const parity = parityOf(axes, before, after, labels, 1);
    expect(parity.mean_dp).toBeCloseTo((0.3 + 0.4) / 8, 12);
    expect(parity.max_dp).toBeCloseTo(0.4, 12);
    const back = parityOf(axes, after, before, labels, 1);
    expect([back.mean_dp, back.max_dp]).toEqual([parity.mean_dp, parity.max_dp]);
    expect(back.macro_f1_change).toBe(-parity.macro_f1_change);
  });

  it('takes a probability that is the threshold for the first label', () => {
    const [at, below] = [Float64Array.of(0.5, 0.3), Float64Array.of(0.4999, 0.2999)];
    expect(parityOf(axes, at, Float64Array.of(0.9, 0.9), [1, 1], 1).agreement).toBe(1);
    expect(parityOf(axes, at, below, [1, 1], 1).agreement).toBe(0);
  });

  it('takes differences by their size, up and down', () => {
    const after = Float64Array.from(before, (p, i) => p + (i % 2 === 0 ? 0.05 : -0.05));
    after[3] = 0.3; // 0.1 before: the largest difference, upwards
    const { mean_dp, max_dp } = parityOf(axes, before, after, labels, 1);
    expect(mean_dp).toBeCloseTo((7 * 0.05 + 0.2) / 8, 12);
    expect(max_dp).toBeCloseTo(0.2, 12);
    expect(parityOf(axes, after, before, labels, 1).max_dp).toBeCloseTo(0.2, 12);
  });

  it('gives the interval that holds 95 of 100 samples of the texts', () => {
    // 600 texts of each label; the second model takes 90 of the one and 30 of the other for the opposite.
    const truth = Array.from({ length: 1200 }, (_, i) => i % 2);
    const wrong = (i: number) => (i % 2 === 1 ? i < 180 : i < 60);
    const first = Float64Array.from(truth, (y) => (y === 1 ? 0.9 : 0.1));
    const second = Float64Array.from(truth, (y, i) => ((y === 1) === wrong(i) ? 0.1 : 0.9));
    const { macro_f1_change, macro_f1_interval } = parityOf(
      [{ threshold: 0.5 }],
      first,
      second,
      truth,
      5,
    );
    // The delta method: macro-F1 as a function of the shares of the four cells, which are multinomial.
    const shares = [510, 90, 570, 30].map((count) => count / 1200);
    const macroF1 = ([tp = 0, fn = 0, tn = 0, fp = 0]: readonly number[]): number =>
      tp / (2 * tp + fp + fn) + tn / (2 * tn + fp + fn);
    const slopes = shares.map((_, at) => {
      const moved = (by: number) =>
        macroF1(shares.map((share, i) => (i === at ? share + by : share)));
      return (moved(1e-6) - moved(-1e-6)) / 2e-6;
    });
    const mean = shares.reduce((sum, share, i) => sum + share * slopes[i]!, 0);
    const square = shares.reduce((sum, share, i) => sum + share * slopes[i]! ** 2, 0);
    const half = 1.959964 * Math.sqrt((square - mean ** 2) / 1200);
    const change = macroF1(shares) - 1;
    expect(macro_f1_change).toBeCloseTo(change, 12);
    // The 2.5 % point of 1,000 samples is known to some 4 % of the half width; 90 or 98 of 100 would be off by 16 %.
    expect(Math.abs(macro_f1_interval[0] - (change - half))).toBeLessThan(0.1 * half);
    expect(Math.abs(macro_f1_interval[1] - (change + half))).toBeLessThan(0.1 * half);
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

describe('the 95 % interval of the change of macro-F1', () => {
  /** F1 of one label, macro over both: 2·hits / (2·hits + alarms + misses), 0 where there is none of it. */
  const macroF1 = (
    rows: readonly number[],
    decide: (row: number) => boolean,
    truth: readonly number[],
  ) => {
    const f1 = (label: boolean) => {
      const hits = rows.filter((r) => decide(r) === label && (truth[r] === 1) === label).length;
      const said = rows.filter((r) => decide(r) === label).length;
      const is = rows.filter((r) => (truth[r] === 1) === label).length;
      return said + is === 0 ? 0 : (2 * hits) / (said + is);
    };
    return (f1(true) + f1(false)) / 2;
  };

  it('has the 2.5th and the 97.5th percentile of a thousand samples of the texts', () => {
    const count = 41;
    const draws = new Random(5, 'answers');
    const answers = () => Float64Array.from({ length: count * 2 }, () => draws.next());
    const [first, second] = [answers(), answers()];
    const truth = Array.from({ length: count * 2 }, () => Number(draws.chance(0.4)));
    // The samples are those of this stream: a row for each row, a thousand times.
    const random = new Random(7, 'bootstrap');
    const changes = Array.from({ length: 1000 }, () => {
      const rows = Array.from({ length: count }, () => random.int(count));
      const ofAxis = axes.map(({ threshold }, axis) => {
        const labels = truth.filter((_, i) => i % 2 === axis);
        const [was, is] = [first, second].map((table) =>
          macroF1(rows, (row) => (table[row * 2 + axis] ?? Number.NaN) >= threshold, labels),
        );
        return (is ?? 0) - (was ?? 0);
      });
      return ((ofAxis[0] ?? 0) + (ofAxis[1] ?? 0)) / 2;
    }).sort((a, b) => a - b);
    const [low, high] = parityOf(axes, first, second, truth, 7).macro_f1_interval;
    // Of 1000 values in order, 25 and 974 steps from the first, and no others.
    for (const [found, at] of [
      [low, 25],
      [high, 974],
    ] as const) {
      const [before = 0, expected = 0, after = 0] = changes.slice(at - 1, at + 2);
      expect(found).toBeCloseTo(expected, 12);
      expect(before).toBeLessThan(expected - 1e-9);
      expect(after).toBeGreaterThan(expected + 1e-9);
    }
  });

  it('reaches 1.96 standard errors to both sides where errors are many and alike', () => {
    // A tenth of 400 texts goes wrong, as many of either label: then macro-F1 is the accuracy, whose
    // change is a mean of 400 draws of -1 or 0.
    const [n, share] = [400, 0.1];
    const truth = Array.from({ length: n }, (_, i) => i % 2);
    const right = Float64Array.from(truth);
    const wrong = right.map((y, i) => (i % 20 < 2 ? 1 - y : y));
    const standardError = Math.sqrt((share * (1 - share)) / n);
    const { macro_f1_interval } = parityOf([{ threshold: 0.5 }], right, wrong, truth, 3);
    const reach = macro_f1_interval.map((end) => (end + share) / standardError);
    // The percentiles of a thousand samples are themselves known to some tenth of a standard error.
    expect(Math.abs((reach[0] ?? 0) + 1.96)).toBeLessThan(0.25);
    expect(Math.abs((reach[1] ?? 0) - 1.96)).toBeLessThan(0.25);
  });
});
