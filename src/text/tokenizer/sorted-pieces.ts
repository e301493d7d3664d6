/** All that a text's first code unit can be. */
const CODE_UNITS = 65_536;

/** Which of many texts a longer one begins with, found by halving: no tree of 250,000 pieces is kept in memory. */
export class SortedPieces {
  readonly texts: readonly string[];
  /** Of each code unit, where the texts that begin with it do; the end of them all behind the last. */
  readonly #beginnings = new Int32Array(CODE_UNITS + 1);

  constructor(texts: readonly string[]) {
    this.texts = texts.filter((text) => text !== '').sort(byCodeUnits);
    for (const text of this.texts) this.#count(text.charCodeAt(0) + 1);
    for (let unit = 1; unit <= CODE_UNITS; unit++) this.#count(unit, this.#beginnings[unit - 1]);
  }

  #count(unit: number, more = 1): void {
    this.#beginnings[unit] = (this.#beginnings[unit] as number) + more;
  }

  /** Calls `found` with each piece that stands at `start`, the shortest first, and where it ends. */
  forEachPrefix(word: string, start: number, found: (index: number, end: number) => void): void {
    const first = word.charCodeAt(start);
    let low = this.#beginnings[first] as number;
    let high = this.#beginnings[first + 1] as number;
    if (low < high && this.texts[low]?.length === 1) found(low, start + 1);
    for (let end = start + 1; end < word.length && low < high; end++) {
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

const byCodeUnits = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);
