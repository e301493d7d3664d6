import { createHash } from 'node:crypto';
import { BoundedMap } from '../bounded-map.ts';
import type { Score } from '../engine/index.ts';

/** What an engine made of a text, without how long it took. */
export type KnownResult = Pick<
  Score,
  'probabilities' | 'tokens' | 'windows' | 'unknownTokens' | 'truncated'
>;

/** The results of one model. */
export interface ModelCache {
  /** `text` is cleaned. */
  get(text: string): KnownResult | undefined;
  set(text: string, result: KnownResult): void;
}

/**
 * The results of the texts that were scored or asked for last, of all models together. Texts are not
 * kept: an entry's key is a SHA-256 over the model and the text.
 */
export class ResultCache {
  readonly #results: BoundedMap<string, KnownResult>;

  constructor(maxEntries: number) {
    this.#results = new BoundedMap(maxEntries);
  }

  get size(): number {
    return this.#results.size;
  }

  /**
   * The part of a model. `identity` must differ where results may: it is to name the model's version,
   * its files, and how it is run.
   */
  of(identity: string): ModelCache {
    const model = createHash('sha256').update(identity).digest();
    const keyOf = (text: string) =>
      createHash('sha256').update(model).update(text).digest('base64');
    return {
      get: (text) => this.#get(keyOf(text)),
      set: (text, result) => this.#set(keyOf(text), result),
    };
  }

  #get(key: string): KnownResult | undefined {
    const result = this.#results.get(key);
    // Used now, it goes last.
    if (result) this.#results.set(key, result);
    return result;
  }

  #set(key: string, result: KnownResult): void {
    const { probabilities, tokens, windows, unknownTokens, truncated } = result;
    this.#results.set(key, { probabilities, tokens, windows, unknownTokens, truncated });
  }
}
