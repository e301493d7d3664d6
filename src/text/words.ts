import type { TextTokenizer } from './tokenizer.ts';

/** A word of a text, as people see it. */
export interface Word {
  readonly text: string;
  /** Where it stands in the text, counted in characters (code points); `end` is the first one after it. */
  readonly start: number;
  readonly end: number;
  /** What the vocabulary has it as. */
  readonly pieces: readonly string[];
}

export interface TokenizedWord extends Word {
  readonly ids: readonly number[];
}

type Pieces = Pick<TextTokenizer, 'pieces'>;

/** Between white space: runs of letters and digits with the apostrophes inside of them, and each other character. */
const PARTS = /[\p{L}\p{M}\p{N}]+(?:['’][\p{L}\p{M}\p{N}]+)*|[^\p{L}\p{M}\p{N}]/gu;

/** What stands before every word but the first for tokenizers that make the space a part of a token. */
const joints = ['', ' '];

/**
 * The words of a text with their tokens: all ids in order are exactly those of the whole text. Tokenizers say
 * nothing of places, so each word is tokenized alone; one whose parts come out differently stays whole, and a text
 * whose words do is one word.
 */
export function tokenizedWords(text: string, tokenizer: Pieces): TokenizedWord[] {
  const whole = tokenizer.pieces(text);
  for (const joint of joints) {
    const words = separateWords(text, tokenizer, joint);
    if (
      sameIds(
        words.flatMap(({ ids }) => ids),
        whole.ids,
      )
    )
      return words;
  }
  return [{ text, start: 0, end: Array.from(text).length, ...whole }];
}

function separateWords(text: string, tokenizer: Pieces, joint: string): TokenizedWord[] {
  let [at, start] = [0, 0];
  return [...text.matchAll(/\S+/g)].flatMap(({ 0: found, index }, i) => {
    start += characters(text.slice(at, index));
    const word = tokenized(found, start, tokenizer, i === 0 ? '' : joint);
    const parts = partsOf(found, start, tokenizer, i === 0 ? '' : joint);
    at = index + found.length;
    start = word.end;
    const sameTokens = sameIds(
      parts.flatMap(({ ids }) => ids),
      word.ids,
    );
    return sameTokens ? parts.filter(({ ids }) => ids.length > 0) : [word];
  });
}

function partsOf(
  word: string,
  start: number,
  tokenizer: Pieces,
  joint: string,
): readonly TokenizedWord[] {
  let next = start;
  return Array.from(word.match(PARTS) ?? [], (part, i) => {
    const found = tokenized(part, next, tokenizer, i === 0 ? joint : '');
    next = found.end;
    return found;
  });
}

const tokenized = (
  text: string,
  start: number,
  tokenizer: Pieces,
  joint: string,
): TokenizedWord => ({
  text,
  start,
  end: start + characters(text),
  ...tokenizer.pieces(joint + text),
});

const characters = (text: string): number => Array.from(text).length;

const sameIds = (a: readonly number[], b: readonly number[]): boolean =>
  a.length === b.length && a.every((id, i) => id === b[i]);
