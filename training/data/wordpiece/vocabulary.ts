import { Heap } from './heap.ts';

/** Marks a piece that continues a word. */
export const CONTINUATION = '##';

export interface VocabularyOptions {
  /** Pieces that are wanted, the given ones included; there may be fewer where words run out. */
  readonly size: number;
  /** Pieces that stand first, whatever the words are. */
  readonly given: readonly string[];
}

/** A pair that occurs less often is not worth a piece. */
const MINIMUM_COUNT = 2;

/** Rarer characters become [UNK]. */
const ALPHABET_LIMIT = 1000;

/** Separates the two symbol numbers of a pair key; both stay under 2^26. */
const PAIR_BASE = 2 ** 26;

/** A pair of neighbouring symbols that may be merged; stale when its count has changed since. */
interface Candidate {
  readonly key: number;
  readonly count: number;
}

/**
 * Learns WordPiece's pieces as Hugging Face's trainer does: words are split into characters and the
 * most frequent pair of neighbours is merged until there are enough pieces. Equal counts are
 * decided by the order of the symbols, so the same words give the same vocabulary.
 */
export function learnVocabulary(
  wordCounts: ReadonlyMap<string, number>,
  { size, given }: VocabularyOptions,
): string[] {
  const pieces = new Set(given);
  for (const character of alphabet(wordCounts)) if (pieces.size < size) pieces.add(character);
  const merger = new PairMerger(wordCounts, pieces);
  while (pieces.size < size) {
    const piece = merger.mergeNext();
    if (piece === undefined) break;
    pieces.add(piece);
  }
  return [...pieces];
}

function symbolsOf(word: string): string[] {
  return Array.from(word, (character, i) => (i === 0 ? character : CONTINUATION + character));
}

/** The characters of the words, each as it stands (first or continuing), sorted by code unit. */
function alphabet(wordCounts: ReadonlyMap<string, number>): string[] {
  const counts = new Map<string, number>();
  for (const [word, count] of wordCounts) {
    for (const symbol of symbolsOf(word)) counts.set(symbol, (counts.get(symbol) ?? 0) + count);
  }
  return [...counts]
    .sort(([a, m], [b, n]) => n - m || (a < b ? -1 : 1))
    .slice(0, ALPHABET_LIMIT)
    .map(([symbol]) => symbol)
    .sort();
}

/** All words as symbols, with the count of every pair kept up to date as pairs are merged. */
class PairMerger {
  readonly #names: string[] = [];
  readonly #ids = new Map<string, number>();
  readonly #words: { symbols: number[]; readonly count: number }[] = [];
  readonly #counts = new Map<number, number>();
  /** The words in which a pair occurs, or once did. */
  readonly #places = new Map<number, Set<number>>();
  readonly #queue = new Heap<Candidate>(
    (a, b) => a.count > b.count || (a.count === b.count && a.key < b.key),
  );

  constructor(wordCounts: ReadonlyMap<string, number>, known: ReadonlySet<string>) {
    for (const piece of known) this.#idOf(piece);
    const sorted = [...wordCounts].sort(([a], [b]) => (a < b ? -1 : 1));
    for (const [word, count] of sorted) {
      const symbols = symbolsOf(word);
      if (!symbols.every((symbol) => known.has(symbol))) continue;
      const place = this.#words.push({ symbols: symbols.map((s) => this.#idOf(s)), count }) - 1;
      this.#countPairs(place, count);
    }
    for (const key of this.#counts.keys()) this.#enqueue(key);
  }

  /** Merges the most frequent pair everywhere and returns the new piece; undefined at the end. */
  mergeNext(): string | undefined {
    for (let top = this.#queue.pop(); top; top = this.#queue.pop()) {
      if (top.count !== this.#counts.get(top.key)) this.#enqueue(top.key);
      else return this.#merge(top.key);
    }
    return undefined;
  }

  #merge(key: number): string {
    const [left, right] = [Math.floor(key / PAIR_BASE), key % PAIR_BASE];
    const piece = `${this.#names[left]}${this.#names[right]?.slice(CONTINUATION.length)}`;
    const merged = this.#idOf(piece);
    const touched = new Set<number>();
    for (const place of this.#places.get(key) ?? []) {
      const word = this.#words[place];
      if (!word) continue;
      this.#countPairs(place, -word.count, touched);
      word.symbols = mergePair(word.symbols, left, right, merged);
      this.#countPairs(place, word.count, touched);
    }
    this.#counts.delete(key);
    this.#places.delete(key);
    for (const changed of touched) this.#enqueue(changed);
    return piece;
  }

  /** Adds a word's pairs to the counts, or with a negative count takes them out. */
  #countPairs(place: number, count: number, touched?: Set<number>): void {
    const symbols = this.#words[place]?.symbols ?? [];
    for (let i = 0; i + 1 < symbols.length; i++) {
      const key = (symbols[i] ?? 0) * PAIR_BASE + (symbols[i + 1] ?? 0);
      this.#counts.set(key, (this.#counts.get(key) ?? 0) + count);
      touched?.add(key);
      const places = this.#places.get(key);
      if (places) places.add(place);
      else this.#places.set(key, new Set([place]));
    }
  }

  #enqueue(key: number): void {
    const count = this.#counts.get(key) ?? 0;
    if (count >= MINIMUM_COUNT) this.#queue.push({ key, count });
  }

  #idOf(name: string): number {
    const known = this.#ids.get(name);
    if (known !== undefined) return known;
    const id = this.#names.push(name) - 1;
    this.#ids.set(name, id);
    return id;
  }
}

function mergePair(symbols: readonly number[], left: number, right: number, to: number): number[] {
  const merged: number[] = [];
  for (let i = 0; i < symbols.length; i++) {
    const symbol = symbols[i] as number;
    if (symbol === left && symbols[i + 1] === right) {
      merged.push(to);
      i++;
    } else merged.push(symbol);
  }
  return merged;
}
