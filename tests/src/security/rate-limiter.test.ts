import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { callerOfAddress, RateLimiter } from '../../../src/security/index.ts';

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
    ['::1', '0:0:0:0::/64'],
    ['fe80::1%eth0', 'fe80:0:0:0::/64'],
    ['no address', 'no address'],
  ])('%s is %s', (address, caller) => {
    expect(callerOfAddress(address)).toBe(caller);
  });
});
