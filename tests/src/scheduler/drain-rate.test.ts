import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { DrainRate } from '../../../src/scheduler/drain-rate.ts';

describe('the rate at which a queue is worked off', () => {
  it('is unknown at first: a second is announced, whatever waits', () => {
    expect(new DrainRate(1).secondsFor(1e9)).toBe(1);
  });

  it('is that of the first text, then follows by a tenth of what each further one differs by', () => {
    const rate = new DrainRate(1);
    rate.observe(10_000, 100);
    expect(rate.secondsFor(100)).toBe(10);
    rate.observe(40_000, 100);
    // 100 ms a token, and 0.1 · (400 − 100).
    expect([rate.secondsFor(100), rate.secondsFor(101)]).toEqual([13, 14]);
    rate.observe(0, 100);
    // 130 − 13.
    expect([rate.secondsFor(100), rate.secondsFor(103)]).toEqual([12, 13]);
  });

  it('is that of all engines together, in whole seconds from 1 to 60', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 8 }),
        fc.integer({ min: 1, max: 1_000 }),
        fc.integer({ min: 1, max: 10_000 }),
        (engines, msPerToken, tokens) => {
          const rate = new DrainRate(engines);
          for (let i = 0; i < 3; i += 1) rate.observe(msPerToken * 64, 64);
          const seconds = Math.ceil((msPerToken * tokens) / engines / 1000);
          expect(rate.secondsFor(tokens)).toBe(Math.min(60, Math.max(1, seconds)));
        },
      ),
    );
  });
});
