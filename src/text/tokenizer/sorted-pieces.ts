/** All that a text's first code unit can be. */
const CODE_UNITS = 65_536;

interface Range {
  readonly low: number;
  readonly high: number;
}

/**
 * Which of many texts a longer one begins with. No tree of 250,000 pieces is kept in memory: where the texts with the same
 * two first code units lie in their order is looked up, the rest is found by halving.
 */
export class SortedPieces {
  readonly texts: readonly string[];
  /** The place of the text that is one code unit alone, by that; -1 where there is none. */
  readonly #single = new Int32Array(CODE_UNITS).fill(-1);
  /** By their two first code units. */
  readonly #longer = new Map<number, Range>();

  constructor(texts: readonly string[]) {
    this.texts = texts.filter((text) => text !== '').sort(byCodeUnits);
    for (const [i, text] of this.texts.entries()) {
      if (text.length === 1) {
        this.#single[text.charCodeAt(0)] = i;
        continue;
      }
      const pair = pairAt(text, 0);
      this.#longer.set(pair, { low: this.#longer.get(pair)?.low ?? i, high: i + 1 });
    }
  }

  /** Calls `found` with each piece that stands at `start`, the shortest first, and where it ends. */
  forEachPrefix(word: string, start: number, found: (index: number, end: number) => void): void {
    const single = this.#single[word.charCodeAt(start)] as number;
    if (single >= 0) found(single, start + 1);
    const range = start + 1 < word.length ? this.#longer.get(pairAt(word, start)) : undefined;
    if (range === undefined) return;
    let { low, high } = range;
    if (this.texts[low]?.length === 2) found(low, start + 2);
    for (let end = start + 2; end < word.length && low < high; end++) {
      const unit = word.charCodeAt(end);
      const depth = end - start;
      low = this.#firstFrom(low, high, depth, unit);
      high = this.#firstFrom(low, high, depth, unit + 1);
      if (low < high && this.texts[low]?.length === depth + 1) found(low, end + 1);
    }
  }

  /** The first text in [low, high) whose code unit at `depth` is `unit` or more. */
  #firstFrom(low: number, high: number, depth: number, unit: number): number {
    let [from, to] = [low, high];
    while (from < to) {
      const middle = (from + to) >>> 1;
      const text = this.texts[middle] as string;
      if (text.length <= depth || text.charCodeAt(depth) < unit) from = middle + 1;
      else to = middle;
    }
    return from;
  }
}

const pairAt = (text: string, at: number): number =>
  text.charCodeAt(at) * CODE_UNITS + text.charCodeAt(at + 1);

const byCodeUnits = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);
