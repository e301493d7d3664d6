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
  const bestPath = (word: string): Step[] => {
    const steps: (Step | undefined)[] = new Array(word.length + 1);
    for (let start = 0, width = 1; start < word.length; start += width) {
      width = (word.codePointAt(start) as number) > 0xffff ? 2 : 1;
      const soFar = steps[start]?.score ?? 0;
      let single = false;
      const consider = (end: number, id: number, own: number) => {
        const score = own + soFar;
        const best = steps[end];
        if (!best || score > best.score) steps[end] = { start, id, score };
      };
      sorted.forEachPrefix(word, start, (index, end) => {
        const id = idOf[index] as number;
        consider(end, id, scores[id] as number);
        single ||= end === start + width;
      });
      if (!single) consider(start + width, unk, lowest - UNKNOWN_PENALTY);
    }
    const path: Step[] = [];
    for (let end = word.length; end > 0; end = (path.at(-1) as Step).start) {
      path.push(steps[end] as Step);
    }
    return path.reverse();
  };
  return (word) => {
    const path = bestPath(word);
    return fused(word, path, unk).flatMap(
      (piece) => ids.get(piece) ?? (byteFallback ? byteIds(ids, piece) : undefined) ?? unk,
    );
  };
}

interface Step {
  readonly start: number;
  readonly id: number;
  readonly score: number;
}

/** The pieces of a path; unknown neighbours are one piece. */
function fused(word: string, path: readonly Step[], unk: number): string[] {
  const pieces: string[] = [];
  let wasUnknown = false;
  for (const [i, { start, id }] of path.entries()) {
    const text = word.slice(start, path[i + 1]?.start);
    const last = pieces.at(-1);
    if (id === unk && wasUnknown && last !== undefined) pieces[pieces.length - 1] = last + text;
    else pieces.push(text);
    wasUnknown = id === unk;
  }
  return pieces;
}
