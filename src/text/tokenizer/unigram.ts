import { byteIds } from './bpe.ts';
import { SortedPieces } from './sorted-pieces.ts';

/** A unigram language model (Kudo 2018) as the Rust library has it. */
export interface Unigram {
  /** Pieces with their scores (log probabilities), in the order of their ids. */
  readonly pieces: readonly (readonly [piece: string, score: number])[];
  readonly unk: number;
  readonly byteFallback: boolean;
}

/** How much less than the least probable piece an unknown character scores. */
const UNKNOWN_PENALTY = 10;

/** The ids of a word: the most probable way to cut it into pieces. */
export function unigramIds({
  pieces,
  unk,
  byteFallback,
}: Unigram): (word: string) => readonly number[] {
  const ids = new Map(pieces.map(([piece], id) => [piece, id]));
  const sorted = new SortedPieces([...ids.keys()]);
  const idOf = sorted.texts.map((piece) => ids.get(piece) as number);
  const lowest = pieces.reduce(
    (least, [, score]) => Math.min(least, score),
    Number.POSITIVE_INFINITY,
  );
  const scores = pieces.map(([, score]) => score);
  /** Where each piece of the best path begins, the word's end behind them, and the pieces' ids. */
  const bestPath = (word: string): { readonly starts: number[]; readonly path: number[] } => {
    // Of the best way to each place: where its last piece begins, that piece, and its score. A word may be a megabyte.
    const from = new Int32Array(word.length + 1).fill(NOWHERE);
    const last = new Int32Array(word.length + 1);
    const best = new Float64Array(word.length + 1);
    for (let start = 0, width = 1; start < word.length; start += width) {
      width = (word.codePointAt(start) as number) > 0xffff ? 2 : 1;
      const soFar = best[start] as number;
      let single = false;
      const consider = (end: number, id: number, own: number) => {
        const score = own + soFar;
        if (from[end] !== NOWHERE && score <= (best[end] as number)) return;
        from[end] = start;
        last[end] = id;
        best[end] = score;
      };
      sorted.forEachPrefix(word, start, (index, end) => {
        const id = idOf[index] as number;
        consider(end, id, scores[id] as number);
        single ||= end === start + width;
      });
      if (!single) consider(start + width, unk, lowest - UNKNOWN_PENALTY);
    }
    const [starts, path]: [number[], number[]] = [[word.length], []];
    for (let end = word.length; end > 0; end = from[end] as number) {
      starts.push(from[end] as number);
      path.push(last[end] as number);
    }
    return { starts: starts.reverse(), path: path.reverse() };
  };
  return (word) => {
    const { starts, path } = bestPath(word);
    const found: number[] = [];
    for (let i = 0; i < path.length; ) {
      const [start, id] = [starts[i], path[i] as number];
      i++;
      if (id !== unk) {
        found.push(id);
        continue;
      }
      // Unknown neighbours are one piece.
      while (path[i] === unk) i++;
      const piece = word.slice(start, starts[i]);
      const known = ids.get(piece) ?? (byteFallback ? byteIds(ids, piece) : undefined) ?? unk;
      if (typeof known === 'number') found.push(known);
      else for (const byte of known) found.push(byte);
    }
    return found;
  };
}

/** No place has it. */
const NOWHERE = -1;
