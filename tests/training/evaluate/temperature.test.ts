import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { meanProbability, untunedTask } from '../../../src/task/index.ts';
import { calibrate } from '../../../training/evaluate/index.ts';
import { probabilityMetrics } from '../../../training/evaluate/probability.ts';
import { fitTemperature } from '../../../training/evaluate/temperature.ts';
import { Random } from '../../../training/random.ts';

const axis = { name: 'tone', labels: ['kind', 'harsh'] as const };

function logLoss(labels: number[], windows: number[][], temperature: number): number {
  const answers = windows.map((logits) => meanProbability({ temperature }, logits));
  return probabilityMetrics(labels, answers).log_loss;
}

/** Texts whose labels follow the served probability of their logits; the logits that are given are `sharper` times those. */
function texts(count: number, windowsOf: (i: number) => number, sharper: number) {
  const random = new Random(3, 'temperature');
  const windows = Array.from({ length: count }, (_, i) => {
    const mean = 1.5 * random.normal();
    return Array.from({ length: windowsOf(i) }, () => mean + random.normal());
  });
  const labels = windows.map((text) => {
    return Number(random.next() < meanProbability({ temperature: 1 }, text));
  });
  return { labels, windows: windows.map((text) => text.map((logit) => sharper * logit)) };
}

describe('the temperature', () => {
  it.each([
    ['texts of one window', () => 1],
    ['texts of one to seven windows, averaged', (i: number) => 1 + (i % 7)],
  ])('of %s is what their logits were multiplied by', (_name, windowsOf) => {
    for (const sharper of [0.5, 1, 3]) {
      const { labels, windows } = texts(2500, windowsOf, sharper);
      const found = fitTemperature(labels, windows);
      // So many labels tell it to some five percent.
      expect(found / sharper).toBeGreaterThan(0.9);
      expect(found / sharper).toBeLessThan(1.1);
      for (const other of [found * 0.9, found * 1.1]) {
        expect(logLoss(labels, windows, found)).toBeLessThan(logLoss(labels, windows, other));
      }
    }
  });

  it('is never worse than 1, and within its bounds, for any texts', () => {
    const text = fc.tuple(
      fc.array(fc.double({ min: -40, max: 40, noNaN: true }), { minLength: 1, maxLength: 3 }),
      fc.boolean(),
    );
    fc.assert(
      fc.property(fc.array(text, { maxLength: 30 }), (list) => {
        const labels = list.map(([, positive]) => Number(positive));
        const windows = list.map(([logits]) => logits);
        const found = fitTemperature(labels, windows);
        expect(found).toBeGreaterThanOrEqual(0.25);
        expect(found).toBeLessThanOrEqual(16.0001);
        expect(logLoss(labels, windows, found)).toBeLessThanOrEqual(logLoss(labels, windows, 1));
      }),
      { numRuns: 60 },
    );
  });

  it('asks for no certainty where all of a few texts are right', () => {
    const labels = Array.from({ length: 12 }, (_, i) => i % 2);
    const windows = labels.map((y) => [y === 1 ? 1 : -1]);
    const found = fitTemperature(labels, windows);
    // Platt's target of 6 is 7/8.
    expect(1 / (1 + Math.exp(-1 / found))).toBeCloseTo(7 / 8, 4);
  });

  it('is fitted to the target of each label by itself', () => {
    const labels = Array.from({ length: 12 }, (_, i) => Number(i < 3));
    const windows = labels.map((y) => [y === 1 ? 1 : -1]);
    const found = fitTemperature(labels, windows);
    // Three with Platt's target of 4/5, nine with 10/11: the best common certainty is their mean.
    const certainty = (3 * (4 / 5) + 9 * (10 / 11)) / 12;
    expect(1 / (1 + Math.exp(-1 / found))).toBeCloseTo(certainty, 5);
  });

  it('is 1 where what is fitted has a greater log loss, however little', () => {
    // All right: the log loss falls with the temperature, and Platt's target asks for a certainty of 7/8.
    const logit = Math.log(7) * 1.004;
    const labels = Array.from({ length: 12 }, (_, i) => i % 2);
    const windows = labels.map((y) => [y === 1 ? logit : -logit]);
    expect(fitTemperature(labels, windows)).toBe(1);
  });

  it('is told by the other texts where one is certain at every temperature', () => {
    const { labels, windows } = texts(400, () => 1, 3);
    const found = fitTemperature([...labels, 1], [...windows, [5000]]);
    expect(found).toBeGreaterThan(2);
    expect(found).toBeCloseTo(fitTemperature(labels, windows), 1);
  });

  it('is 1 without texts, and where a label is missing', () => {
    expect(fitTemperature([], [])).toBe(1);
    expect(fitTemperature([1, 1, 1], [[0.1], [0.2], [0.3]])).toBe(1);
  });
});

describe('calibrate', () => {
  it('fits each axis alone, and tunes its threshold on probabilities at its temperature', () => {
    const axes = [axis, { name: 'mood', labels: ['good', 'bad'] as const }];
    const { labels, windows } = texts(400, () => 2, 3);
    // On the second axis the same logits, moved: their best threshold lies at σ(2/T).
    const both = windows.map((text) => text.map((logit) => [logit, logit + 6]));
    const tuned = calibrate(
      untunedTask({ name: 'two', axes }, 'none'),
      both,
      labels.flatMap((y) => [y, y]),
    );
    expect(tuned.axes[0]?.temperature).toBe(fitTemperature(labels, windows));
    expect(tuned.axes[0]?.threshold).toBe(0.5);
    const { temperature = 0, threshold = 0 } = tuned.axes[1] ?? {};
    expect(temperature).toBeGreaterThan(1);
    expect(Math.log(threshold / (1 - threshold)) * temperature).toBeGreaterThan(3);
  });
});
