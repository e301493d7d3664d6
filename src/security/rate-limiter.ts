import { isIPv6 } from 'node:net';
import { BoundedMap } from '../bounded-map.ts';

/** Callers whose buckets are kept; the one that was silent for longest is forgotten first. */
const MOST_CALLERS = 10_000;

export interface RateLimiterOptions {
  readonly perMinute: number;
  /** Requests that may come at once after a silence. */
  readonly burst: number;
  /** Milliseconds, of a clock that never goes back. */
  readonly now?: () => number;
}

/** A token's: a millisecond brings as many parts as a minute brings tokens, so that sums of them stay exact. */
const PARTS = 60_000;

interface Bucket {
  readonly parts: number;
  readonly at: number;
}

/** A token bucket for each caller. */
export class RateLimiter {
  readonly #buckets = new BoundedMap<string, Bucket>(MOST_CALLERS);
  readonly #perMs: number;
  readonly #most: number;
  readonly #now: () => number;

  constructor({ perMinute, burst, now = () => performance.now() }: RateLimiterOptions) {
    this.#perMs = perMinute;
    this.#most = burst * PARTS;
    this.#now = now;
  }

  /** Takes a token: 0, or the whole seconds until there is one. */
  take(caller: string): number {
    const at = this.#now();
    const bucket = this.#buckets.get(caller);
    const parts =
      bucket === undefined
        ? this.#most
        : Math.min(this.#most, bucket.parts + (at - bucket.at) * this.#perMs);
    const isAllowed = parts >= PARTS;
    this.#buckets.set(caller, { parts: isAllowed ? parts - PARTS : parts, at });
    return isAllowed ? 0 : Math.ceil((PARTS - parts) / (this.#perMs * 1000));
  }
}

/** Who an address belongs to: one IPv4 address, or the 64 bits that an IPv6 customer is given. */
export function callerOfAddress(address: string): string {
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(address)?.[1];
  if (mapped !== undefined || !isIPv6(address)) return mapped ?? address;
  const [head = '', tail] = (address.split('%')[0] ?? '').toLowerCase().split('::');
  const before = head.split(':').filter((group) => group !== '');
  const after = (tail ?? '').split(':').filter((group) => group !== '');
  const zeros = tail === undefined ? 0 : 8 - before.length - after.length;
  const groups = [...before, ...Array<string>(Math.max(0, zeros)).fill('0'), ...after];
  return `${groups
    .slice(0, 4)
    .map((group) => group.replace(/^0+(?=.)/, ''))
    .join(':')}::/64`;
}
