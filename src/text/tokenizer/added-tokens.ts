import { SPACE, WORD } from './characters.ts';
import { boolean, component, count, or, string } from './component.ts';
import type { JsonPlace } from './json-place.ts';
import type { Model } from './models.ts';
import type { Ends, Normalizer } from './normalizers.ts';
import { escaped } from './pattern.ts';

/** A token that is found in a text as it stands, before the model sees it: `[MASK]`, `<s>`. */
export interface AddedToken {
  readonly id: number;
  readonly content: string;
  /** Not beside a letter or digit. */
  readonly single_word: boolean;
  /** Takes the white space on that side too. */
  readonly lstrip: boolean;
  readonly rstrip: boolean;
  /** Looked for in normalised text, by its normalised content. */
  readonly normalized: boolean;
  readonly special: boolean;
}

/** A part of a text: a token's id, or text with the place where it begins. */
export type Section = number | { readonly text: string; readonly start: number };

const { build: addedToken } = component(
  {
    id: count,
    content: string,
    single_word: or(boolean, false),
    lstrip: or(boolean, false),
    rstrip: or(boolean, false),
    normalized: or(boolean, true),
    special: or(boolean, false),
  },
  (token): AddedToken => token,
);

const HINT = 'export the tokenizer again, with ids that follow those of the vocabulary';

/**
 * The tokens of `added_tokens`. AppError `data_invalid` where the Rust library gives a token another id than the file
 * says: the vocabulary's, or else the next free one.
 */
export function addedTokens(place: JsonPlace, { ids }: Pick<Model, 'ids'>): readonly AddedToken[] {
  const given = new Map<string, AddedToken>();
  let next = ids.size;
  for (const at of place.isAbsent ? [] : place.list()) {
    const token = addedToken(at);
    const { content } = token;
    if (content === '') continue;
    const id = given.get(content)?.id ?? ids.get(content) ?? next++;
    if (id !== token.id) {
      throw at.refused(
        `the token ${JSON.stringify(content)} with the id ${token.id}: it would get ${id}`,
        HINT,
      );
    }
    given.set(content, token);
  }
  return [...given.values()];
}

const wholeText: Ends = { start: true, end: true };

/** Finds tokens in a text, the leftmost first and the longest of those. */
export class TokenFinder {
  readonly #tokens: ReadonlyMap<string, AddedToken>;
  readonly #pattern: RegExp | undefined;

  /** @param written a token as it stands in the text that is searched */
  constructor(tokens: readonly AddedToken[], written: Normalizer, place: JsonPlace) {
    const found = new Map<string, AddedToken>();
    for (const token of tokens) {
      const text = written(token.content, wholeText);
      const earlier = found.get(text);
      if (text === '' || (earlier && earlier.content !== token.content)) {
        const what = text === '' ? 'nothing' : `the same as ${JSON.stringify(earlier?.content)}`;
        throw place.refused(
          `a list whose token ${JSON.stringify(token.content)} is ${what} once normalised`,
        );
      }
      found.set(text, token);
    }
    this.#tokens = found;
    const texts = [...found.keys()].sort((a, b) => b.length - a.length).map(escaped);
    this.#pattern = texts.length === 0 ? undefined : new RegExp(texts.join('|'), 'gu');
  }

  *split(text: string): Generator<Section> {
    let end = 0;
    for (const { 0: found, index } of this.#pattern ? text.matchAll(this.#pattern) : []) {
      const token = this.#tokens.get(found) as AddedToken;
      const stop = index + found.length;
      if (token.single_word && standsInWord(text, index, stop)) continue;
      const to = token.lstrip ? Math.max(end, spaceBefore(text, index)) : index;
      if (to > end) yield { text: text.slice(end, to), start: end };
      yield token.id;
      end = token.rstrip ? spaceAfter(text, stop) : stop;
    }
    if (text.length > end) yield { text: text.slice(end), start: end };
  }
}

const wordBefore = new RegExp(`[${WORD}]$`, 'u');
const wordAfter = new RegExp(`^[${WORD}]`, 'u');
const isSpace = new RegExp(`^${SPACE}$`, 'u');

/** A code point has at most two code units: no more of the text is looked at. */
const standsInWord = (text: string, start: number, stop: number): boolean =>
  wordBefore.test(text.slice(Math.max(0, start - 2), start)) ||
  wordAfter.test(text.slice(stop, stop + 2));

function spaceBefore(text: string, end: number): number {
  let at = end;
  while (at > 0 && isSpace.test(text.charAt(at - 1))) at--;
  return at;
}

function spaceAfter(text: string, start: number): number {
  let at = start;
  while (at < text.length && isSpace.test(text.charAt(at))) at++;
  return at;
}
