/** What copying the state may take of a run's time. */
const TRANSFER_SHARE = 0.05;

/** Bytes a second between host and device that the rule counts on: ordinary (not pinned) memory over PCIe 3 × 16. */
const BYTES_PER_SECOND = 6e9;

const FIRST = 4;
const MOST = 1024;

/**
 * How many steps K make one run. The state crosses the bus in and out once a run, which takes x = 2·bytes/rate; at
 * most 5 % of the run may go there: K = x / (0.05·t), t being the fastest step so far, copying included. The
 * first run, which warms up, does not count.
 */
export class LoopPace {
  readonly #setting: number | 'auto';
  readonly #transferSeconds: number;
  #runs = 0;
  #secondsPerStep = Number.POSITIVE_INFINITY;

  /** @param stateBytes of parameters and moments */
  constructor(stateBytes: number, setting: number | 'auto' = 'auto') {
    this.#setting = setting;
    this.#transferSeconds = (2 * stateBytes) / BYTES_PER_SECOND;
  }

  get steps(): number {
    if (this.#setting !== 'auto') return this.#setting;
    if (!Number.isFinite(this.#secondsPerStep)) return FIRST;
    const wanted = this.#transferSeconds / (TRANSFER_SHARE * this.#secondsPerStep);
    return Math.min(MOST, Math.max(1, Math.ceil(wanted)));
  }

  /** A run of so many steps took so long. */
  observe(steps: number, seconds: number): void {
    this.#runs++;
    if (this.#runs === 1) return;
    this.#secondsPerStep = Math.min(this.#secondsPerStep, Math.max(seconds, 1e-6) / steps);
  }
}
