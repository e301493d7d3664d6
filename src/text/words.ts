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
type Tokens = ReturnType<TextTokenizer['pieces']>;

/** Tokenizes what stands behind a joint; no more than `atMost` ids. */
interface Lookup {
  readonly of: (joint: string, text: string) => Tokens;
  readonly atMost: number;
}

/** Between white space: runs of letters and digits with the apostrophes inside of them, and each other character. */
const PARTS = /[\p{L}\p{M}\p{N}]+(?:['’][\p{L}\p{M}\p{N}]+)*|[^\p{L}\p{M}\p{N}]/gu;

/** What stands before every word but the first for tokenizers that make the space a part of a token. */
const joints = ['', ' '];

/**
 * The words of a text with their tokens: all ids in order are exactly those of the whole text. Tokenizers say
 * nothing of places, so each word is tokenized alone; one whose parts come out differently stays whole, and a text
 * whose words do is one word. With `atMost`, the words that the first so many ids come from, and of a word no more ids.
 */
export function tokenizedWords(
  text: string,
  tokenizer: Pieces,
  atMost = Number.POSITIVE_INFINITY,
): TokenizedWord[] {
  const lookup = { of: remembered(tokenizer, atMost), atMost };
  // A text without a space is its only word.
  const whole = lookup.of('', text);
  for (const joint of joints) {
    const words = agreeing(separateWords(text, lookup, joint), whole.ids, atMost);
    if (words) return words;
  }
  return [{ text, start: 0, end: characters(text), ...whole }];
}

/** The words, if their ids are those of the whole; nothing is looked at behind `atMost` ids. */
function agreeing(
  words: Iterable<TokenizedWord>,
  whole: readonly number[],
  atMost: number,
): TokenizedWord[] | undefined {
  const found: TokenizedWord[] = [];
  let count = 0;
  for (const word of words) {
    const { ids } = word;
    const end = Math.min(ids.length, atMost - count);
    for (let i = 0; i < end; i++) if (ids[i] !== whole[count + i]) return undefined;
    count += ids.length;
    found.push(word);
    if (count >= atMost) return found;
  }
  return count === whole.length ? found : undefined;
}

function* separateWords(text: string, lookup: Lookup, joint: string): Generator<TokenizedWord> {
  let [at, start] = [0, 0];
  for (const { 0: found, index } of text.matchAll(/\S+/g)) {
    start += characters(text.slice(at, index));
    const before = at === 0 ? '' : joint;
    const word = tokenized(found, start, lookup, before);
    const parts = agreeing(partsOf(found, start, lookup, before), word.ids, lookup.atMost);
    if (parts) yield* parts.filter(({ ids }) => ids.length > 0);
    else yield word;
    at = index + found.length;
    start = word.end;
  }
}

function* partsOf(
  word: string,
  start: number,
  lookup: Lookup,
  joint: string,
): Generator<TokenizedWord> {
  let [next, before] = [start, joint];
  for (const [part] of word.matchAll(PARTS)) {
    const found = tokenized(part, next, lookup, before);
    yield found;
    [next, before] = [found.end, ''];
  }
}

const tokenized = (text: string, start: number, { of }: Lookup, joint: string): TokenizedWord => ({
  text,
  start,
  end: start + characters(text),
  ...of(joint, text),
});

/** Words come again, in other texts and in those that are made to be dear. */
function remembered(tokenizer: Pieces, atMost: number): Lookup['of'] {
  const known = new Map<string, Tokens>();
  return (joint, text) => {
    const key = joint + text;
    const tokens = known.get(key) ?? tokenizer.pieces(key, atMost);
    if (known.size < MOST_REMEMBERED) known.set(key, tokens);
    return tokens;
  };
}

const MOST_REMEMBERED = 10_000;

const characters = (text: string): number => {
  let count = 0;
  for (const _ of text) count++;
  return count;
};
