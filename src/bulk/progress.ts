/** Where progress is drawn: standard error has all of it. */
export interface BulkScreen {
  readonly isTTY?: boolean | undefined;
  write(text: string): unknown;
}

const REDRAW_MS = 200;
const BAR = 24;

/** A line about how far a file is scored, redrawn on a terminal; nothing where there is none. */
export class BulkProgress {
  readonly #screen: BulkScreen;
  readonly #totalBytes: number | undefined;
  readonly #now: () => number;
  readonly #begun: number;
  #drawnAt = Number.NEGATIVE_INFINITY;
  #shown = false;

  /**
   * @param totalBytes of the input, where it has an end that is known
   * @param now milliseconds, of a clock that never goes back
   */
  constructor(
    screen: BulkScreen,
    totalBytes: number | undefined,
    now: () => number = () => performance.now(),
  ) {
    this.#screen = screen;
    this.#totalBytes = totalBytes;
    this.#now = now;
    this.#begun = now();
  }

  update(texts: number, bytes: number): void {
    const now = this.#now();
    if (this.#screen.isTTY !== true || now - this.#drawnAt < REDRAW_MS) return;
    this.#drawnAt = now;
    this.#shown = true;
    const seconds = (now - this.#begun) / 1000;
    const rate = `${texts.toLocaleString('en')} texts  ${(texts / seconds).toFixed(1)} texts/s`;
    const share = this.#totalBytes ? Math.min(bytes / this.#totalBytes, 1) : undefined;
    this.#screen.write(`\r\u001b[K${share === undefined ? rate : withBar(share, seconds, rate)}`);
  }

  /** Clears the line, for something else to be printed. */
  clear(): void {
    if (this.#shown) this.#screen.write('\r\u001b[K');
    this.#shown = false;
  }
}

function withBar(share: number, seconds: number, rate: string): string {
  const full = Math.round(share * BAR);
  const left = share > 0 ? Math.round((seconds * (1 - share)) / share) : 0;
  const bar = '█'.repeat(full) + '░'.repeat(BAR - full);
  return `${bar} ${(share * 100).toFixed(1)} %  ${rate}  ${left} s left`;
}
