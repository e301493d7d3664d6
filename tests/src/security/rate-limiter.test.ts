import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { callerOfAddress, RateLimiter } from '../../../src/security/index.ts';

/** A caller asks some times, each after a wait, and then just as long after as it was told, or a little earlier. */
const event = fc.record({
  caller: fc.constantFrom('a', 'b'),
  wait: fc.oneof(fc.constantFrom(0, 1, 100, 500), fc.nat(90_000)),
  times: fc.integer({ min: 1, max: 30 }),
  early: fc.constantFrom(undefined, 0, 1),
});

/** What is answered: a token is 60,000 parts, and a millisecond brings as many as a minute brings tokens. */
function buckets(perMinute: number, burst: number) {
  const known = new Map<string, { parts: number; at: number }>();
  return (caller: string, now: number): number => {
    const { parts: before, at } = known.get(caller) ?? { parts: burst * 60_000, at: now };
    const parts = Math.min(burst * 60_000, before + (now - at) * perMinute);
    const seconds = parts >= 60_000 ? 0 : Math.ceil((60_000 - parts) / (perMinute * 1000));
    known.set(caller, { parts: seconds === 0 ? parts - 60_000 : parts, at: now });
    return seconds;
  };
}

describe('a rate limiter', () => {
  it('lets a burst through, then one request for each token, and says when the next comes', () => {
    let now = 0;
    const limiter = new RateLimiter({ perMinute: 6, burst: 2, now: () => now });
    expect([limiter.take('a'), limiter.take('a'), limiter.take('a')]).toEqual([0, 0, 10]);
    now = 4_000;
    expect(limiter.take('a')).toBe(6);
    now = 10_000;
    expect([limiter.take('a'), limiter.take('a')]).toEqual([0, 10]);
  });

  it('counts every caller apart', () => {
    const limiter = new RateLimiter({ perMinute: 1, burst: 1, now: () => 0 });
    expect([limiter.take('a'), limiter.take('b'), limiter.take('a')]).toEqual([0, 0, 60]);
  });

  it('gives every caller exactly what the model gives', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 700 }),
        fc.integer({ min: 1, max: 5 }),
        fc.array(event, { maxLength: 20 }),
        (perMinute, burst, happening) => {
          let [now, told] = [0, 0];
          const limiter = new RateLimiter({ perMinute, burst, now: () => now });
          const model = buckets(perMinute, burst);
          const answers: [number, number][] = [];
          const ask = (caller: string, after: number) => {
            now += after;
            told = model(caller, now);
            answers.push([limiter.take(caller), told]);
          };
          for (const { caller, wait, times, early } of happening) {
            for (let i = 0; i < times; i += 1) ask(caller, wait);
            if (early !== undefined) ask(caller, Math.max(told * 1000 - early, 0));
          }
          expect(answers.map(([given]) => given)).toEqual(answers.map(([, wanted]) => wanted));
        },
      ),
      { numRuns: 200 },
    );
  });

  it('never lets through more than the burst and what the time has brought', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 600 }),
        fc.integer({ min: 1, max: 20 }),
        fc.array(fc.integer({ min: 0, max: 5_000 }), { maxLength: 200 }),
        (perMinute, burst, waits) => {
          let now = 0;
          const limiter = new RateLimiter({ perMinute, burst, now: () => now });
          let allowed = 0;
          for (const wait of waits) {
            now += wait;
            if (limiter.take('a') === 0) allowed += 1;
          }
          // 1e-6 of a token: what sums of floating-point numbers may be off.
          expect(allowed).toBeLessThanOrEqual(burst + (now / 60_000) * perMinute + 1e-6);
        },
      ),
    );
  });

  it('forgets the callers that were silent for longest, not the busy ones', () => {
    const limiter = new RateLimiter({ perMinute: 1, burst: 1, now: () => 0 });
    limiter.take('first');
    limiter.take('busy');
    for (let i = 0; i < 10_000; i += 1) {
      limiter.take(`caller ${i}`);
      if (i % 1_000 === 0) limiter.take('busy');
    }
    expect(limiter.take('busy')).toBe(60);
    expect(limiter.take('first')).toBe(0);
  });
});

describe('the caller of an address', () => {
  it.each([
    ['192.0.2.7', '192.0.2.7'],
    ['::ffff:192.0.2.7', '192.0.2.7'],
    ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2::/64'],
    ['2001:DB8:1:2::9', '2001:db8:1:2::/64'],
    ['2001:db8::9', '2001:db8:0:0::/64'],
    ['2001:db8::3:4:5:6:7', '2001:db8:0:3::/64'],
    ['::2:3:4:5:6:7:8', '0:2:3:4::/64'],
    ['2001:0db8:0001:0000::', '2001:db8:1:0::/64'],
    ['2001:db8::1:2:3:4:5', '2001:db8:0:1::/64'],
    ['::1', '0:0:0:0::/64'],
    ['fe80::1%eth0', 'fe80:0:0:0::/64'],
    ['no address', 'no address'],
  ])('%s is %s', (address, caller) => {
    expect(callerOfAddress(address)).toBe(caller);
  });
});
