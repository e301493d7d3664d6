import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { confusionOf, decisionMetrics } from '../../../training/evaluate/confusion.ts';
import {
  evaluateAxes,
  evaluationTable,
  majorityBaseline,
  tuneThreshold,
} from '../../../training/evaluate/index.ts';

const axes = [
  { name: 'E/I', labels: ['E', 'I'] as const, threshold: 0.5 },
  { name: 'T/F', labels: ['T', 'F'] as const, threshold: 0.5 },
];
const macroF1 = (labels: number[], scores: number[], threshold: number) =>
  decisionMetrics(confusionOf(labels, scores, threshold)).macro_f1;

describe('majorityBaseline', () => {
  it('answers the label that is more frequent in training, even where the test differs', () => {
    const training = [0, 1, 0, 1, 0, 1, 1, 0];
    const test = [1, 1, 1, 0];
    const { axes: measured } = majorityBaseline(axes, training, test);
    expect(measured['E/I']?.accuracy).toBe(0);
    expect(measured['T/F']?.confusion).toEqual([
      [0, 1],
      [0, 1],
    ]);
  });

  it("has the training share as its probability, so that its log loss is the share's entropy", () => {
    const labels = [1, 0, 0, 0];
    const [axis] = axes;
    const { average } = majorityBaseline([axis!], labels, labels);
    const entropy = -(0.25 * Math.log(0.25) + 0.75 * Math.log(0.75));
    expect(average.log_loss).toBeCloseTo(entropy, 12);
    expect(average.roc_auc).toBe(0.5);
  });
});

describe('tuneThreshold', () => {
  it('finds where two separate groups of scores part, away from 0.5', () => {
    const labels = Array.from({ length: 200 }, (_, i) => Number(i % 4 === 0));
    const scores = labels.map((y, i) => (y === 1 ? 0.3 : 0.1) + (i % 10) / 100);
    const threshold = tuneThreshold(labels, scores);
    expect(threshold).toBeGreaterThan(0.19);
    expect(threshold).toBeLessThanOrEqual(0.3);
    expect(macroF1(labels, scores, threshold)).toBe(1);
  });

  it('stays at 0.5 where scores are calibrated', () => {
    const scores = Array.from({ length: 1000 }, (_, i) => (i + 0.5) / 1000);
    const labels = scores.map((p, i) => Number(((i * 7919) % 1000) / 1000 < p));
    expect(tuneThreshold(labels, scores)).toBe(0.5);
  });

  it('is the best of all that decide differently, and of equals one nearest to 0.5', () => {
    const row = fc.tuple(fc.integer({ min: 0, max: 10 }), fc.boolean());
    fc.assert(
      fc.property(fc.array(row, { minLength: 2, maxLength: 40 }), (rows) => {
        const scores = rows.map(([score]) => score / 10);
        const labels = rows.map(([, positive]) => Number(positive));
        const distinct = [...new Set(scores)].sort((a, b) => a - b);
        const middles = distinct.slice(1).map((score, i) => (score + (distinct[i] ?? 0)) / 2);
        const of = (threshold: number) => macroF1(labels, scores, threshold);
        const best = Math.max(...middles.map(of));
        // One standard error of a share, at most.
        const gain = best - of(0.5) - Math.sqrt(0.25 / rows.length);
        const found = tuneThreshold(labels, scores);
        if (middles.length === 0 || gain < -1e-12) expect(found).toBe(0.5);
        if (middles.length === 0 || gain <= 1e-12) return;
        const nearest = Math.min(
          ...middles.filter((one) => of(one) === best).map((one) => Math.abs(one - 0.5)),
        );
        expect(middles).toContain(found);
        expect(of(found)).toBeCloseTo(best, 12);
        expect(Math.abs(found - 0.5)).toBeCloseTo(nearest, 12);
      }),
    );
  });

  // Negatives score 0.1, positives 0.9 but for k that score 0.4: at 0.25 macro-F1 is 1, at 0.5 it is 1 less a gain of
  // 1 − ((2(P − k)) / (2(P − k) + k) + 2N / (2N + k)) / 2, which of these lies within 0.01 % of 0.5/√(P + N).
  it.each([
    ['just over', 46, 116, 5, 0.25],
    ['just under', 88, 128, 7, 0.5],
  ])('asks for a gain of one standard error: %s it', (_, positives, negatives, low, threshold) => {
    const labels = [...Array(positives).fill(1), ...Array(negatives).fill(0)];
    const scores = labels.map((y, i) => (y === 0 ? 0.1 : i < low ? 0.4 : 0.9));
    expect(macroF1(labels, scores, 0.25)).toBe(1);
    expect(tuneThreshold(labels, scores)).toBeCloseTo(threshold, 12);
  });

  // Below 0.4 the 20 negatives of score 0.6 are wrong, above 0.6 the 20 positives of score 0.4, between them both.
  it.each([
    ['the nearer one, below', 0.2, 0.9, 0.3],
    ['the nearer one, above', 0.1, 0.8, 0.7],
    ['the higher one where both are as near', 0.1, 0.9, 0.75],
  ])('of two that are as good is %s', (_, lowest, highest, expected) => {
    const groups = [
      { score: lowest, label: 0, count: 80 },
      { score: 0.4, label: 1, count: 20 },
      { score: 0.6, label: 0, count: 20 },
      { score: highest, label: 1, count: 80 },
    ];
    const rows = groups.flatMap((group) => new Array<(typeof groups)[0]>(group.count).fill(group));
    const labels = rows.map(({ label }) => label);
    const scores = rows.map(({ score }) => score);
    expect(macroF1(labels, scores, 0.35)).toBe(macroF1(labels, scores, 0.65));
    expect(tuneThreshold(labels, scores)).toBeCloseTo(expected, 12);
    expect(tuneThreshold(labels.toReversed(), scores.toReversed())).toBeCloseTo(expected, 12);
  });

  it('stays at 0.5 without two different scores', () => {
    expect(tuneThreshold([1, 0, 1], [0.3, 0.3, 0.3])).toBe(0.5);
    expect(tuneThreshold([], [])).toBe(0.5);
  });

  it('is 0.5 or lies between the scores, for any scores', () => {
    const rows = fc.array(fc.tuple(fc.double({ min: 0, max: 1, noNaN: true }), fc.boolean()), {
      minLength: 1,
      maxLength: 80,
    });
    fc.assert(
      fc.property(rows, (list) => {
        const scores = list.map(([score]) => score);
        const threshold = tuneThreshold(
          list.map(([, positive]) => Number(positive)),
          scores,
        );
        const inside = threshold >= Math.min(...scores) && threshold <= Math.max(...scores);
        expect(threshold === 0.5 || inside).toBe(true);
      }),
    );
  });
});

describe('evaluationTable', () => {
  it('has a line for each axis and the average, with the majority class beside them', () => {
    const labels = [1, 0, 0, 1, 0, 0];
    const measured = evaluateAxes(axes, [0.9, 0.1, 0.2, 0.8, 0.4, 0.6], labels);
    const lines = evaluationTable(measured, majorityBaseline(axes, labels, labels)).split('\n');
    expect(lines[0]).toMatch(/accuracy\s+macro-F1.*majority: accuracy\s+macro-F1\s+log loss$/);
    expect(lines.slice(1, 4).map((line) => line.split(/\s+/)[0])).toEqual([
      'E/I',
      'T/F',
      'average',
    ]);
    expect(lines[1]).toMatch(/^E\/I\s+1\.000\s+1\.000/);
    expect(new Set(lines.slice(0, 4).map((line) => line.length)).size).toBe(1);
    expect(lines[4]).toBe('3 texts, 66.7 % right on every axis, majority 33.3 %');
  });
});
