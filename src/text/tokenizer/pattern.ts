import { Tokenizer } from '@huggingface/tokenizers';
import { AppError, messageOf } from '../../errors.ts';
import { shown } from '../../files/index.ts';
import type { Attribute } from './component.ts';
import type { JsonPlace } from './json-place.ts';
import { LinearPattern, type Stretch } from './regex/linear-pattern.ts';

/** A part of a text, and whether the pattern matched it. */
export type Part = readonly [text: string, matched: boolean];

/** Cuts a text into what a pattern matches and what lies between: the parts joined are the text. */
export type Matcher = (text: string) => Part[];

const HINT =
  'such patterns are not surely read as the Rust library reads them; write the pattern without it';

/** `{"String": …}` or `{"Regex": …}`. */
export const pattern: Attribute<Matcher> = (place) => {
  const [literal, regex] = [place.get('String'), place.get('Regex')];
  if (literal.isAbsent === regex.isAbsent) throw place.expected('either "String" or "Regex"');
  if (regex.isAbsent) {
    return matcher(new RegExp(escaped(someText(literal)), 'gu'));
  }
  return compiled(regex);
};

function someText(place: JsonPlace): string {
  const text = place.string();
  if (text === '') throw place.refused('empty: expected some text');
  if (text.length > LONGEST_PATTERN) throw place.refused(TOO_LONG(text));
  return text;
}

/** Characters. No pattern of a tokenizer is near it. */
const LONGEST_PATTERN = 2_000;
const TOO_LONG = ({ length }: string): string =>
  `a pattern of ${length} characters: expected ${LONGEST_PATTERN} at most`;

export const escaped = (text: string): string => text.replace(/[\\^$.*+?()[\]{}|/]/g, '\\$&');

/**
 * The parts of a text by a pattern with the flags `g` and `u`, which is ours: JavaScript's engine may take any time
 * for one that somebody else wrote.
 */
export const matcher =
  (expression: RegExp): Matcher =>
  (text) =>
    partsOf(
      text,
      Array.from(text.matchAll(expression), ({ 0: { length }, index }) => [index, index + length]),
    );

function partsOf(text: string, matches: readonly Stretch[]): Part[] {
  const parts: Part[] = [];
  let end = 0;
  let matched = false;
  for (const [start, stop] of matches) {
    // Oniguruma finds nothing empty where a match has just ended.
    if (start === stop && matched && start === end) continue;
    if (start > end) parts.push([text.slice(end, start), false]);
    parts.push([text.slice(start, stop), true]);
    end = stop;
    matched = true;
  }
  if (end < text.length) parts.push([text.slice(end), false]);
  return parts;
}

/** The parts by a class of characters, each of them a part of its own. */
export const charactersOf = (expression: string): Matcher => matcher(new RegExp(expression, 'gu'));

const CATEGORY = 'C[cfon]?|L[lmotu]?|M[cen]?|N[dlo]?|P[cdefios]?|S[ckmo]?|Z[lps]?';
/** Without two letters that one character folds to, as ß to ss. */
const CASES = "\\(\\?i:(?![^)]*(?:[sS][sStT]|[fF][fFiIlL]))[a-zA-Z|'’ \\[\\]]*\\)";

/**
 * Oniguruma's syntax as far as it is surely the same after translation, one construct at a time. Possessive and
 * atomic parts, references, inline flags, anchors within and nested classes are not in it.
 */
const outside: readonly RegExp[] = [
  /(?:[^\\()[\]*+?{}]|\{(?!,?\d))+/y,
  new RegExp(CASES, 'y'),
  /\((?:\?(?:[:=!]|<[=!])|(?!\?))|\)/y,
  /(?:[*+?]|\{\d+(?:,\d*)?\})(?![*+])\??(?![*+?])/y,
  new RegExp(`\\\\(?:[dDsSwWnrt]|[^a-zA-Z0-9]|x[0-9a-fA-F]{2}|[pP]\\{(?:${CATEGORY})\\})`, 'y'),
  new RegExp(
    `\\[\\^?(?:[^\\\\[\\]&]|\\\\(?:[dDsSwnrt]|[^a-zA-Z0-9]|x[0-9a-fA-F]{2}|[pP]\\{(?:${CATEGORY})\\})|&(?!&))+\\]`,
    'y',
  ),
];
const script = /\\[pP]\{([A-Z][A-Za-z_]+)\}/y;

function compiled(place: JsonPlace): Matcher {
  const source = place.string();
  if (source.length > LONGEST_PATTERN) throw place.refused(TOO_LONG(source));
  for (let at = 0; at < source.length; ) {
    const length = constructAt(source, at);
    if (length === 0) {
      throw place.refused(
        `a pattern with ${shown(source.slice(at, at + 12))}, which is not honoured`,
        HINT,
      );
    }
    at += length;
  }
  const expression = attempt(place, 'not a pattern', () =>
    translated(source.replaceAll(new RegExp(CASES, 'g'), anyCase)),
  );
  const linear = attempt(
    place,
    'a pattern that is not matched in linear time',
    () => new LinearPattern(expression.source),
  );
  return (text) => partsOf(text, linear.matches(text));
}

function attempt<T>(place: JsonPlace, failure: string, make: () => T): T {
  try {
    return make();
  } catch (cause) {
    throw place.refused(`${failure}: ${messageOf(cause)}`, HINT);
  }
}

/** Oniguruma's syntax in JavaScript's: what `@huggingface/tokenizers` makes of it. */
function translated(regex: string): RegExp {
  const { pre_tokenizer: splitter } = new Tokenizer(
    {
      added_tokens: [],
      normalizer: null,
      pre_tokenizer: { type: 'Split', pattern: { Regex: regex }, invert: false },
      model: { type: 'WordPiece', vocab: {} },
      post_processor: null,
      decoder: null,
    },
    {},
  );
  if (splitter && 'pattern' in splitter && splitter.pattern instanceof RegExp) {
    return splitter.pattern;
  }
  throw new AppError('internal', 'the tokenizer library made no pattern');
}

function constructAt(source: string, at: number): number {
  for (const construct of outside) {
    construct.lastIndex = at;
    const [found] = construct.exec(source) ?? [];
    if (found) return found.length;
  }
  script.lastIndex = at;
  const [found, name = ''] = script.exec(source) ?? [];
  return found && isScript(name) ? found.length : 0;
}

function isScript(name: string): boolean {
  try {
    new RegExp(`\\p{Script=${name}}`, 'u');
    return true;
  } catch {
    return false;
  }
}

/** Letters outside of ASCII whose simple folding lies in it. */
const foldings: Readonly<Record<string, string>> = { k: '\u212a', s: '\u017f' };

/** `(?i:…)` of ASCII letters, spelt out. */
function anyCase(group: string): string {
  const body = group.slice('(?i:'.length, -1);
  let inClass = false;
  const spelt = body.replace(/[a-zA-Z[\]]/g, (c) => {
    if (c === '[' || c === ']') {
      inClass = c === '[';
      return c;
    }
    const lower = c.toLowerCase();
    const every = `${lower}${lower.toUpperCase()}${foldings[lower] ?? ''}`;
    return inClass ? every : `[${every}]`;
  });
  return `(?:${spelt})`;
}
