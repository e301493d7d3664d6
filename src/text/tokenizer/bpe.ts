import { MinHeap } from './min-heap.ts';
import { LARGEST_ID } from './vocabulary.ts';

/** Byte-pair encoding as the Rust library has it (Sennrich et al. 2016). */
export interface Bpe {
  readonly ids: ReadonlyMap<string, number>;
  readonly merges: ReadonlyMap<number, Merge>;
  /** What a character outside of the vocabulary becomes; nothing where there is none. */
  readonly unk: number | undefined;
  readonly prefix: string;
  readonly suffix: string;
  readonly fuseUnk: boolean;
  readonly byteFallback: boolean;
  readonly ignoreMerges: boolean;
}

/** What a pair becomes; the lowest rank is merged first. */
export interface Merge {
  readonly rank: number;
  readonly id: number;
}

/** A pair of ids as a number, exact as ids are below 2^26. */
export const pairOf = (left: number, right: number): number => left * (LARGEST_ID + 1) + right;

/** Ranks and positions are one number in the queue: rank · PLACES + position. */
const PLACES = 2 ** 28;

const utf8 = new TextEncoder();

/** The ids of a word. */
export function bpeIds(model: Bpe, word: string): readonly number[] {
  const whole = model.ignoreMerges ? model.ids.get(word) : undefined;
  return whole === undefined ? merged(symbolsOf(model, word), model.merges) : [whole];
}

/** The token of a byte: `<0x0A>`. */
export const byteToken = (byte: number): string =>
  `<0x${byte.toString(16).toUpperCase().padStart(2, '0')}>`;

/** The ids of the bytes of a text, where the vocabulary has all of them. */
export function byteIds(ids: ReadonlyMap<string, number>, text: string): number[] | undefined {
  const found = Array.from(utf8.encode(text), (byte) => ids.get(byteToken(byte)));
  return found.every((id) => id !== undefined) ? found : undefined;
}

/** The word character by character, before anything is merged. */
function symbolsOf(model: Bpe, word: string): number[] {
  const symbols: number[] = [];
  // Unknown characters wait for the next known one; bytes do not call them, as in the library.
  let unknown: number | undefined;
  const characters = Array.from(word);
  for (const [i, character] of characters.entries()) {
    const text =
      (i > 0 ? model.prefix : '') + character + (i === characters.length - 1 ? model.suffix : '');
    const id = model.ids.get(text);
    const bytes = id === undefined && model.byteFallback ? byteIds(model.ids, text) : undefined;
    if (bytes) {
      symbols.push(...bytes);
      continue;
    }
    if (unknown !== undefined && (id !== undefined || !model.fuseUnk)) symbols.push(unknown);
    unknown = id === undefined ? model.unk : undefined;
    if (id !== undefined) symbols.push(id);
  }
  if (unknown !== undefined) symbols.push(unknown);
  return symbols;
}

/** Merges neighbours, the lowest rank first and the leftmost of equals, until no pair is left. */
function merged(symbols: number[], merges: ReadonlyMap<number, Merge>): readonly number[] {
  const next = symbols.map((_, i) => i + 1);
  const before = symbols.map((_, i) => i - 1);
  const gone = new Uint8Array(symbols.length);
  const queue = new MinHeap();
  const mergeAt = (at: number): Merge | undefined => {
    const right = next[at] as number;
    if (right >= symbols.length) return undefined;
    return merges.get(pairOf(symbols[at] as number, symbols[right] as number));
  };
  const offer = (at: number) => {
    const merge = mergeAt(at);
    if (merge) queue.push(merge.rank * PLACES + at);
  };
  for (let at = 0; at < symbols.length - 1; at++) offer(at);
  for (let top = queue.pop(); top !== undefined; top = queue.pop()) {
    const at = top % PLACES;
    const merge = gone[at] ? undefined : mergeAt(at);
    // A pair that has changed since it was queued stands in the queue again with its new rank.
    if (merge?.rank !== Math.floor(top / PLACES)) continue;
    const right = next[at] as number;
    const after = next[right] as number;
    symbols[at] = merge.id;
    gone[right] = 1;
    next[at] = after;
    if (after < symbols.length) before[after] = at;
    const left = before[at] as number;
    if (left >= 0) offer(left);
    offer(at);
  }
  return symbols.filter((_, i) => gone[i] === 0);
}
