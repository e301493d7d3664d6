import { shown, shownValue } from '../../files/index.ts';
import type { JsonPlace } from './json-place.ts';

/** No vocabulary is near it, and a pair of ids is one exact number. */
export const LARGEST_ID = 2 ** 26 - 1;

const HINT = 'every token has an id of its own, an integer from 0 on: export the tokenizer again';

/** Characters of a token: every place of a text may be the beginning of the longest one. */
const LONGEST_TOKEN = 1_000;

/** AppError `data_invalid` for a token that is longer than any is. */
export function refuseLong(token: string, place: JsonPlace): string {
  if (token.length <= LONGEST_TOKEN) return token;
  throw place.refused(
    `about the token ${shown(token)} of ${token.length} characters: expected ${LONGEST_TOKEN} at most`,
  );
}

/** Tokens and their ids, both ways. */
export interface Vocabulary {
  readonly ids: ReadonlyMap<string, number>;
  /** By id, with holes where no token has it. */
  readonly tokens: readonly (string | undefined)[];
}

/** From an object of ids by token. AppError `data_invalid` names a token whose id cannot be one. */
export function vocabulary(place: JsonPlace): Vocabulary {
  const ids = new Map<string, number>();
  const tokens: (string | undefined)[] = [];
  for (const [token, id] of Object.entries(place.object())) {
    refuseLong(token, place);
    if (typeof id !== 'number' || !Number.isInteger(id) || id < 0 || id > LARGEST_ID) {
      throw place.refused(
        `a vocabulary whose token ${shown(token)} has the id ${shownValue(id)}: expected an integer from 0 to ${LARGEST_ID}`,
        HINT,
      );
    }
    const owner = tokens[id];
    if (owner !== undefined) {
      throw place.refused(
        `a vocabulary whose tokens ${shown(owner)} and ${shown(token)} share the id ${id}`,
        HINT,
      );
    }
    tokens[id] = token;
    ids.set(token, id);
  }
  if (ids.size === 0) throw place.expected('at least one token');
  return { ids, tokens };
}

/** From a list of tokens in the order of their ids. AppError `data_invalid` names one that stands twice. */
export function listedVocabulary(tokens: readonly string[], place: JsonPlace): Vocabulary {
  const ids = new Map<string, number>();
  for (const [id, token] of tokens.entries()) {
    refuseLong(token, place);
    const earlier = ids.get(token);
    if (earlier !== undefined) {
      throw place.refused(
        `a vocabulary whose ids ${earlier} and ${id} are both ${shown(token)}`,
        HINT,
      );
    }
    ids.set(token, id);
  }
  return { ids, tokens };
}

/** The id of a token that the model cannot do without. */
export function requiredId(ids: ReadonlyMap<string, number>, token: string, place: JsonPlace) {
  const id = ids.get(token);
  if (id !== undefined) return id;
  throw place.refused(`${shown(token)}, which the vocabulary lacks`);
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
