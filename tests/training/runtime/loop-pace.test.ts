import { describe, expect, it } from '@jest/globals';
import { LoopPace } from '../../../training/runtime/loop-pace.ts';

/** Parameters and moments of 67 million parameters: 0.268 s over the bus, in and out, at 6 GB/s. */
const STATE = 12 * 67e6;
const TRANSFER = (2 * STATE) / 6e9;

describe('the number of steps in a run', () => {
  it.each([0.5, 0.05, 0.01])(
    'keeps copying under 5 %% of a run where a step takes %d s',
    (seconds) => {
      const pace = new LoopPace(STATE);
      for (let run = 0; run < 30; run++) {
        pace.observe(pace.steps, TRANSFER + pace.steps * seconds);
      }
      const share = TRANSFER / (TRANSFER + pace.steps * seconds);
      expect(share).toBeLessThanOrEqual(0.0501);
      // And no more steps than that takes.
      expect(share).toBeGreaterThan(0.045);
    },
  );

  it('is not misled by the first run, which warms up', () => {
    const pace = new LoopPace(STATE);
    pace.observe(4, 0.001);
    expect(pace.steps).toBe(4);
  });

  it('stays between 1 and 1024', () => {
    const small = new LoopPace(1000);
    for (const _ of [1, 2]) small.observe(1, 1);
    expect(small.steps).toBe(1);
    const large = new LoopPace(1e12);
    for (const _ of [1, 2]) large.observe(1, 0);
    expect(large.steps).toBe(1024);
  });

  it('is what the configuration says, where it says a number', () => {
    const pace = new LoopPace(STATE, 7);
    for (const _ of [1, 2]) pace.observe(7, 10);
    expect(pace.steps).toBe(7);
  });
});
