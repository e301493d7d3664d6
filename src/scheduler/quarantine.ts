import { createHash } from 'node:crypto';
import { type Clock, systemClock } from '../clock.ts';

/** How long a text is remembered: engines also die of what is no text's fault. */
const REMEMBERED_MS = 5 * 60_000;

/** More are not remembered; the oldest goes. */
const MOST_TEXTS = 1_000;

/** Texts that ended two engines each, by hash, for a while. */
export class Quarantine {
  /** When each is forgotten, by the clock; the oldest first. */
  readonly #until = new Map<string, number>();
  readonly #clock: Pick<Clock, 'now'>;

  constructor(clock: Pick<Clock, 'now'> = systemClock) {
    this.#clock = clock;
  }

  add(text: string): void {
    this.#until.delete(hash(text));
    this.#until.set(hash(text), this.#clock.now() + REMEMBERED_MS);
    const [oldest] = this.#until.keys();
    if (this.#until.size > MOST_TEXTS && oldest !== undefined) this.#until.delete(oldest);
  }

  /** Whole seconds until the text is forgotten; undefined where it is not known. */
  secondsLeft(text: string): number | undefined {
    if (this.#until.size === 0) return undefined;
    const key = hash(text);
    const left = (this.#until.get(key) ?? 0) - this.#clock.now();
    if (left > 0) return Math.ceil(left / 1000);
    this.#until.delete(key);
    return undefined;
  }
}

function hash(text: string): string {
  return createHash('sha256').update(text).digest('base64');
}
