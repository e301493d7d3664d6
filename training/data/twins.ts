import { createHash } from 'node:crypto';
import { composed, type TextTokenizer } from '../../src/text/index.ts';
import { type Example, jointCode } from './types.ts';
import { wordSplitter } from './wordpiece/tokenizer-files.ts';

/** What a text is to the model: two of the same key are one text to it. */
export type Keyed = (text: string) => {
  readonly key: string;
  /** The text's own ids, where they are known by now. */
  readonly ids?: Int32Array;
};

/**
 * By the ids of a tokenizer; where it is learnt only from a split, by the words that its normalizer leaves, whatever its
 * vocabulary will be: no case, no accents, no white space. Composed and decomposed characters are the same in both.
 */
export function keyed(tokenizer: Pick<TextTokenizer, 'encode'> | undefined): Keyed {
  if (tokenizer === undefined) {
    const splitter = wordSplitter();
    return (text) => ({ key: splitter.words(composed(text)).join(' ') });
  }
  return (text) => {
    const same = composed(text);
    const ids = Int32Array.from(tokenizer.encode(same));
    const key = createHash('sha256').update(ids).digest('base64');
    return same === text ? { key, ids } : { key };
  };
}

/** Keeps each text once, in the order of first appearance; a text with two labellings not at all. */
export class UniqueTexts {
  duplicates = 0;
  conflicting = 0;
  readonly #keyed: Keyed;
  readonly #byKey = new Map<string, { example: Example; rows: number; agreed: boolean }>();

  constructor(keyed: Keyed) {
    this.#keyed = keyed;
  }

  add({ text, labels }: Example): void {
    const { key, ids } = this.#keyed(text);
    const known = this.#byKey.get(key);
    if (!known) {
      const example = ids === undefined ? { text, labels } : { text, labels, ids };
      this.#byKey.set(key, { example, rows: 1, agreed: true });
      return;
    }
    known.rows++;
    known.agreed &&= jointCode(known.example) === jointCode({ labels });
  }

  examples(): Example[] {
    const kept: Example[] = [];
    for (const { example, rows, agreed } of this.#byKey.values()) {
      if (agreed) {
        kept.push(example);
        this.duplicates += rows - 1;
      } else this.conflicting += rows;
    }
    return kept;
  }
}
