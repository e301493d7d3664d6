import { setTimeout as delay } from 'node:timers/promises';

/** How long a hub is waited for; all in milliseconds but `slowest`. */
export interface HubTiming {
  /** Before the first repetition; then twice as long each time. */
  readonly pause: number;
  /** Without a byte: the connection then counts as lost. */
  readonly silence: number;
  /** Every file has so long, however small it is. */
  readonly perFile: number;
  /** Bytes a second that a large file has to come with on top of that. */
  readonly slowest: number;
  readonly wait: (milliseconds: number) => Promise<unknown>;
  /** A clock that never goes back. */
  readonly now: () => number;
}

export const usualTiming: HubTiming = {
  pause: 250,
  silence: 30_000,
  perFile: 300_000,
  slowest: 32_768,
  wait: (milliseconds) => delay(milliseconds),
  now: () => performance.now(),
};

/** What a file of so many bytes may take in all. */
export const timeFor = ({ perFile, slowest }: HubTiming, bytes: number): number =>
  perFile + (1000 * bytes) / slowest;

/** Ends what a signal is given to when nothing was heard for a while. */
export class Watchdog {
  readonly #controller = new AbortController();
  readonly #silence: number;
  #timer: NodeJS.Timeout | undefined;

  constructor(silence: number) {
    this.#silence = silence;
    this.heard();
  }

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  heard(): void {
    clearTimeout(this.#timer);
    // The connection itself keeps the process alive.
    this.#timer = setTimeout(() => this.#controller.abort(), this.#silence).unref();
  }

  rest(): void {
    clearTimeout(this.#timer);
  }
}
