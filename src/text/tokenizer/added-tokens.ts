import { shown } from '../../files/index.ts';
import { SPACE, WORD } from './characters.ts';
import { boolean, component, or } from './component.ts';
import type { JsonPlace } from './json-place.ts';
import type { Model } from './models.ts';
import type { Ends, Normalizer } from './normalizers.ts';
import { escaped } from './pattern.ts';
import { SortedPieces } from './sorted-pieces.ts';
import { LARGEST_ID, refuseLong } from './vocabulary.ts';

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
    id: (place) => place.integer(LARGEST_ID),
    content: (place) => refuseLong(place.string(), place),
    single_word: or(boolean, false),
    lstrip: or(boolean, false),
    rstrip: or(boolean, false),
    normalized: or(boolean, true),
    special: or(boolean, false),
  },
  (token): AddedToken => token,
);

/** Those of real vocabularies are some thousands. */
const MOST_ADDED = 100_000;

const HINT = 'export the tokenizer again, with ids that follow those of the vocabulary';

/**
 * The tokens of `added_tokens`. AppError `data_invalid` where the Rust library gives a token another id than the file
 * says: the vocabulary's, or else the next free one.
 */
export function addedTokens(place: JsonPlace, { ids }: Pick<Model, 'ids'>): readonly AddedToken[] {
  const given = new Map<string, AddedToken>();
  let next = ids.size;
  const places = place.isAbsent ? [] : place.list();
  if (places.length > MOST_ADDED) {
    throw place.refused(`a list of ${places.length} tokens: expected ${MOST_ADDED} at most`);
  }
  for (const at of places) {
    const token = addedToken(at);
    const { content } = token;
    if (content === '') continue;
    const id = given.get(content)?.id ?? ids.get(content) ?? next++;
    if (id !== token.id) {
      throw at.refused(
        `the token ${shown(content)} with the id ${token.id}: it would get ${id}`,
        HINT,
      );
    }
    given.set(content, token);
  }
  return [...given.values()];
}

interface FoundToken {
  readonly token: AddedToken;
  readonly index: number;
  readonly stop: number;
}

const wholeText: Ends = { start: true, end: true };

/** Finds tokens in a text, the leftmost first and the longest of those. */
export class TokenFinder {
  readonly #pieces: SortedPieces;
  /** In the order of the pieces. */
  readonly #tokens: readonly AddedToken[];
  /** What tokens begin with; undefined where there are none. */
  readonly #beginning: RegExp | undefined;

  /** @param written a token as it stands in the text that is searched */
  constructor(tokens: readonly AddedToken[], written: Normalizer, place: JsonPlace) {
    const found = new Map<string, AddedToken>();
    for (const token of tokens) {
      const text = written(token.content, wholeText);
      const earlier = found.get(text);
      if (text === '' || (earlier && earlier.content !== token.content)) {
        const what = text === '' ? 'nothing' : `the same as ${shown(earlier?.content ?? '')}`;
        throw place.refused(
          `a list whose token ${shown(token.content)} is ${what} once normalised`,
        );
      }
      found.set(text, token);
    }
    this.#pieces = new SortedPieces([...found.keys()]);
    this.#tokens = this.#pieces.texts.map((text) => found.get(text) as AddedToken);
    const first = new Set(
      this.#pieces.texts.map((text) => String.fromCodePoint(text.codePointAt(0) ?? 0)),
    );
    this.#beginning =
      first.size === 0 ? undefined : new RegExp([...first].map(escaped).join('|'), 'gu');
  }

  *split(text: string): Generator<Section> {
    let end = 0;
    for (const { token, index, stop } of this.#found(text)) {
      if (token.single_word && standsInWord(text, index, stop)) continue;
      const to = token.lstrip ? Math.max(end, spaceBefore(text, index)) : index;
      if (to > end) yield { text: text.slice(end, to), start: end };
      yield token.id;
      end = token.rstrip ? spaceAfter(text, stop) : stop;
    }
    if (text.length > end) yield { text: text.slice(end), start: end };
  }

  *#found(text: string): Generator<FoundToken> {
    if (!this.#beginning) return;
    const beginning = new RegExp(this.#beginning);
    for (let match = beginning.exec(text); match; match = beginning.exec(text)) {
      const { index } = match;
      let longest: FoundToken | undefined;
      this.#pieces.forEachPrefix(text, index, (piece, stop) => {
        const token = this.#tokens[piece];
        if (token && !isInPair(text, stop)) longest = { token, index, stop };
      });
      if (!longest) continue;
      yield longest;
      beginning.lastIndex = longest.stop;
    }
  }
}

/** Whether a place lies between the two halves of a character. */
const isInPair = (text: string, at: number): boolean =>
  at > 0 && (text.codePointAt(at - 1) ?? 0) > 0xffff;

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
