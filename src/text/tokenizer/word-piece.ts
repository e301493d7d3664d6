/** WordPiece (Wu et al. 2016) as BERT has it: the longest piece first. */
export interface WordPiece {
  readonly ids: ReadonlyMap<string, number>;
  readonly unk: number;
  readonly prefix: string;
  /** Longer words, in characters, are unknown. */
  readonly longestWord: number;
}

/** The ids of a word. */
export function wordPieceIds({
  ids,
  unk,
  prefix,
  longestWord,
}: WordPiece): (word: string) => readonly number[] {
  const first = new Pieces(ids);
  const continuing = prefix === '' ? first : new Pieces(withoutPrefix(ids, prefix));
  const unknown = [unk];
  return (word) => {
    if (isLonger(word, longestWord)) return unknown;
    const found: number[] = [];
    for (let start = 0; start < word.length; ) {
      const end = (start === 0 ? first : continuing).longestAt(word, start, found);
      if (end === start) return unknown;
      start = end;
    }
    return found;
  };
}

/** Whether a word has more characters (code points); no more of it is looked at than that takes. */
function isLonger(word: string, most: number): boolean {
  if (word.length <= most) return false;
  if (word.length > 2 * most) return true;
  return Array.from(word).length > most;
}

class Pieces {
  readonly #ids: ReadonlyMap<string, number>;
  /** No piece is longer: what a word costs is linear in its length. */
  readonly #longest: number;

  constructor(ids: ReadonlyMap<string, number>) {
    this.#ids = ids;
    let longest = 0;
    for (const { length } of ids.keys()) longest = Math.max(longest, length);
    this.#longest = longest;
  }

  /** Adds the id of the longest piece at `start`, and says where it ends: at `start` where there is none. */
  longestAt(word: string, start: number, found: number[]): number {
    for (let end = Math.min(word.length, start + this.#longest); end > start; end--) {
      const id = this.#ids.get(word.slice(start, end));
      if (id === undefined) continue;
      found.push(id);
      return end;
    }
    return start;
  }
}

function withoutPrefix(ids: ReadonlyMap<string, number>, prefix: string): Map<string, number> {
  const continuing = new Map<string, number>();
  for (const [token, id] of ids) {
    if (token.startsWith(prefix)) continuing.set(token.slice(prefix.length), id);
  }
  return continuing;
}
