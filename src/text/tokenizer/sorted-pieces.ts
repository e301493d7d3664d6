/** Which of many texts a longer one begins with, found by halving: no tree of 250,000 pieces is kept in memory. */
export class SortedPieces {
  readonly texts: readonly string[];

  constructor(texts: readonly string[]) {
    this.texts = texts.filter((text) => text !== '').sort(byCodeUnits);
  }

  /** Calls `found` with each piece that stands at `start`, the shortest first, and where it ends. */
  forEachPrefix(word: string, start: number, found: (index: number, end: number) => void): void {
    let [low, high] = [0, this.texts.length];
    for (let end = start; end < word.length && low < high; end++) {
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
