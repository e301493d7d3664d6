import { readFileSync } from 'node:fs';
import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { axisMetrics, evaluateAxes } from '../../../training/evaluate/evaluate-axes.ts';

interface Case {
  readonly name: string;
  readonly threshold: number;
  readonly labels: number[];
  readonly probabilities: number[];
  readonly metrics: Record<string, unknown>;
}

const { cases }: { cases: Case[] } = JSON.parse(
  readFileSync(new URL('../../fixtures/metrics.json', import.meta.url), 'utf8'),
);

/** Both sides sum in float64, in different orders. */
const TOLERANCE = 1e-12;

const axis = (threshold: number) => ({
  name: 'a',
  labels: ['yes', 'no'] as const,
  threshold,
  temperature: 1,
});

describe("metrics are scikit-learn's", () => {
  it.each(cases)('$name', ({ threshold, labels, probabilities, metrics }) => {
    const measured: Record<string, unknown> = {
      ...axisMetrics(axis(threshold), probabilities, labels),
    };
    for (const [name, expected] of Object.entries(metrics)) {
      const actual = measured[name];
      if (typeof expected === 'number') {
        expect({ name, off: Math.abs((actual as number) - expected) <= TOLERANCE }).toEqual({
          name,
          off: true,
        });
      } else expect({ [name]: actual }).toEqual({ [name]: expected });
    }
  });
});

describe('evaluateAxes', () => {
  const axes = [
    { name: 'E/I', labels: ['E', 'I'] as const, threshold: 0.5 },
    { name: 'S/N', labels: ['S', 'N'] as const, threshold: 0.2 },
  ];

  it('gives every axis its own column and threshold', () => {
    const { axes: measured, rows } = evaluateAxes(
      axes,
      [0.9, 0.1, 0.4, 0.3, 0.6, 0.2],
      [1, 0, 1, 1, 1, 1],
    );
    expect(rows).toBe(3);
    expect(measured['E/I']?.confusion).toEqual([
      [0, 0],
      [1, 2],
    ]);
    expect(measured['S/N']?.confusion).toEqual([
      [1, 0],
      [0, 2],
    ]);
    expect(measured['S/N']?.support).toEqual({ S: 2, N: 1 });
  });

  it('counts as exact only texts that are right on every axis', () => {
    const { exact_match } = evaluateAxes(axes, [0.9, 0.1, 0.4, 0.3, 0.6, 0.2], [1, 0, 1, 1, 1, 1]);
    expect(exact_match).toBeCloseTo(2 / 3, 12);
  });

  it('ranks a single text of each label', () => {
    const ranked = (...probabilities: number[]) => axisMetrics(axis(0.5), probabilities, [1, 0]);
    expect(ranked(0.6, 0.4)).toMatchObject({ roc_auc: 1, average_precision: 1 });
    expect(ranked(0.4, 0.6)).toMatchObject({ roc_auc: 0, average_precision: 0.5 });
    expect(ranked(0.5, 0.5)).toMatchObject({ roc_auc: 0.5, average_precision: 0.5 });
  });

  it('averages over the axes that have the figure', () => {
    const { average, axes: measured } = evaluateAxes(
      axes,
      [0.9, 0.1, 0.4, 0.3, 0.6, 0.2],
      [1, 0, 1, 1, 1, 1],
    );
    expect(measured['E/I']?.roc_auc).toBeNull();
    expect(average.roc_auc).toBe(measured['S/N']?.roc_auc);
    expect(average.accuracy).toBeCloseTo((2 / 3 + 1) / 2, 12);
  });

  it('is the same whatever the order of the texts', () => {
    const rows = fc.array(fc.tuple(fc.integer({ min: 0, max: 20 }), fc.boolean()), {
      minLength: 1,
      maxLength: 60,
    });
    fc.assert(
      fc.property(rows, fc.nat(), (list, turn) => {
        const turned = list.map((_, i) => list[(i + turn) % list.length]!);
        const measure = (pairs: typeof list) =>
          axisMetrics(
            axis(0.5),
            pairs.map(([score]) => score / 20),
            pairs.map(([, positive]) => Number(positive)),
          );
        const [a, b] = [measure(list), measure(turned)];
        expect(b.confusion).toEqual(a.confusion);
        expect(b.roc_auc ?? -1).toBeCloseTo(a.roc_auc ?? -1, 10);
        expect(b.ece).toBeCloseTo(a.ece, 10);
      }),
    );
  });
});
