import { createHash } from 'node:crypto';
import { BoundedMap } from '../bounded-map.ts';
import { type Clock, systemClock } from '../clock.ts';

/** How long a text is remembered: engines also die of what is no text's fault. */
const REMEMBERED_MS = 5 * 60_000;

/** More are not remembered; the oldest goes. */
const MOST_TEXTS = 1_000;

/** Engines that a text may end before it is refused. */
const MOST_DEATHS = 2;

interface Suspect {
  readonly deaths: number;
  /** When it is forgotten, by the clock. */
  readonly until: number;
}

/**
 * Texts that ended engines, by hash, for a while. It does not matter whose request each death was of, nor whether
 * anybody waited for it any more: who leaves early, again and again, must not end an engine each time.
 */
export class Quarantine {
  readonly #suspects = new BoundedMap<string, Suspect>(MOST_TEXTS);
  readonly #clock: Pick<Clock, 'now'>;

  constructor(clock: Pick<Clock, 'now'> = systemClock) {
    this.#clock = clock;
  }

  /** An engine ended while it was at this text alone; `counted`: what that counts for. */
  died(text: string, counted = 1): void {
    const key = hash(text);
    const deaths = (this.#known(key)?.deaths ?? 0) + counted;
    this.#suspects.set(key, { deaths, until: this.#clock.now() + REMEMBERED_MS });
  }

  /** It was scored after all. */
  survived(text: string): void {
    if (this.#suspects.size > 0) this.#suspects.delete(hash(text));
  }

  /** Whole seconds until a text that is refused is forgotten; undefined where it is not refused. */
  secondsLeft(text: string): number | undefined {
    if (this.#suspects.size === 0) return undefined;
    const suspect = this.#known(hash(text));
    if (suspect === undefined || suspect.deaths < MOST_DEATHS) return undefined;
    return Math.ceil((suspect.until - this.#clock.now()) / 1000);
  }

  #known(key: string): Suspect | undefined {
    const suspect = this.#suspects.get(key);
    if (suspect === undefined || suspect.until > this.#clock.now()) return suspect;
    this.#suspects.delete(key);
    return undefined;
  }
}

function hash(text: string): string {
  return createHash('sha256').update(text).digest('base64');
}
