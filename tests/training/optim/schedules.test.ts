import { describe, expect, it } from '@jest/globals';
import {
  learningRateSchedule,
  type Schedule,
  scheduleFactor,
} from '../../../training/optim/index.ts';
import { readFixtureJson } from '../../support/reference-tensors.ts';

interface Case {
  readonly schedule: Schedule;
  readonly peak: number;
  readonly warmup_steps: number;
  readonly total_steps: number;
  readonly learning_rate: readonly number[];
}

const { cases } = readFixtureJson<{ cases: Case[] }>('training/schedules.json');
const rateOf = (schedule: Schedule, warmup: number, total: number) =>
  learningRateSchedule({ schedule, warmup_steps: warmup, learning_rate: 2 }, total);

describe('learning-rate schedules', () => {
  it.each(cases)('$schedule, $warmup_steps of $total_steps: the factors are transformers’', (c) => {
    for (const [i, rate] of c.learning_rate.entries()) {
      const factor = scheduleFactor(c.schedule, i, c.warmup_steps, c.total_steps);
      expect(c.peak * factor).toBeCloseTo(rate, 15);
    }
  });

  it.each(cases)('$schedule, $warmup_steps of $total_steps: the same after the warm-up', (c) => {
    const rate = learningRateSchedule({ ...c, learning_rate: c.peak }, c.total_steps);
    for (let step = c.warmup_steps + 1; step <= c.total_steps; step++) {
      expect(rate(step)).toBeCloseTo(c.learning_rate[step - 1] ?? Number.NaN, 15);
    }
  });

  it('warms up by peak · t / warmup_steps, so that the first update is not wasted', () => {
    const rate = rateOf('linear', 4, 20);
    expect([1, 2, 3, 4].map(rate)).toEqual([0.5, 1, 1.5, 2]);
  });

  it('starts at the peak without a warm-up and never wastes an update on a rate of 0', () => {
    for (const schedule of ['linear', 'cosine', 'constant'] as const) {
      for (const [warmup, total] of [
        [0, 1],
        [0, 10],
        [5, 5],
        [3, 9],
        [20, 10],
      ] as const) {
        const rate = rateOf(schedule, warmup, total);
        if (warmup === 0) expect(rate(1)).toBe(2);
        for (let step = 1; step <= total; step++) expect(rate(step)).toBeGreaterThan(0);
      }
    }
  });

  it('constant stays at the peak after the warm-up', () => {
    const rate = rateOf('constant', 2, 10);
    expect([2, 3, 10, 100].map(rate)).toEqual([2, 2, 2, 2]);
  });
});
