/** The weight of the newest text in the moving average. */
const NEWEST = 0.1;

/** Longer waits than this are not worth announcing: load changes. */
const MOST_SECONDS = 60;

/** How fast a number of engines works a queue off, learnt from the texts they score. */
export class DrainRate {
  readonly #engines: number;
  #msPerToken: number | undefined;

  constructor(engines: number) {
    this.#engines = engines;
  }

  /** Notes how long an engine was busy with one text of so many tokens, estimated. */
  observe(busyMs: number, tokens: number): void {
    const newest = busyMs / tokens;
    this.#msPerToken = this.#msPerToken === undefined ? newest : mix(this.#msPerToken, newest);
  }

  /** Whole seconds until so many tokens are worked off: at least 1, as Retry-After needs. */
  secondsFor(tokens: number): number {
    const seconds = ((this.#msPerToken ?? 0) * tokens) / this.#engines / 1000;
    return Math.min(Math.max(Math.ceil(seconds), 1), MOST_SECONDS);
  }
}

function mix(mean: number, value: number): number {
  return mean + NEWEST * (value - mean);
}
