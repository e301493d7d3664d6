import type { JsonPlace } from './json-place.ts';

/** No vocabulary is near it, and a pair of ids is one exact number. */
export const LARGEST_ID = 2 ** 26 - 1;

const HINT = 'every token has an id of its own, an integer from 0 on: export the tokenizer again';

/** Token to id, from an object of them. AppError `data_invalid` names a token whose id cannot be one. */
export function vocabulary(place: JsonPlace): ReadonlyMap<string, number> {
  const entries = Object.entries(place.object());
  if (entries.length === 0) throw place.expected('at least one token');
  const owners = new Map<number, string>();
  for (const [token, id] of entries) {
    if (typeof id !== 'number' || !Number.isInteger(id) || id < 0 || id > LARGEST_ID) {
      throw place.refused(
        `a vocabulary whose token ${JSON.stringify(token)} has the id ${JSON.stringify(id)}: expected an integer from 0 to ${LARGEST_ID}`,
        HINT,
      );
    }
    const owner = owners.get(id);
    if (owner !== undefined) {
      throw place.refused(
        `a vocabulary whose tokens ${JSON.stringify(owner)} and ${JSON.stringify(token)} share the id ${id}`,
        HINT,
      );
    }
    owners.set(id, token);
  }
  return new Map(entries as [string, number][]);
}

/** The id of a token that the model cannot do without. */
export function requiredId(ids: ReadonlyMap<string, number>, token: string, place: JsonPlace) {
  const id = ids.get(token);
  if (id !== undefined) return id;
  throw place.refused(`${JSON.stringify(token)}, which the vocabulary lacks`);
}

/** Words that come again cost nothing; forgotten all at once when there are many. */
export class WordCache {
  readonly #seen = new Map<string, readonly number[]>();
  readonly #compute: (word: string) => readonly number[];

  constructor(compute: (word: string) => readonly number[]) {
    this.#compute = compute;
  }

  get(word: string): readonly number[] {
    if (word.length > LONGEST_CACHED) return this.#compute(word);
    let ids = this.#seen.get(word);
    if (!ids) {
      ids = this.#compute(word);
      if (this.#seen.size >= MOST_CACHED) this.#seen.clear();
      this.#seen.set(word, ids);
    }
    return ids;
  }
}

const LONGEST_CACHED = 64;
const MOST_CACHED = 20_000;
