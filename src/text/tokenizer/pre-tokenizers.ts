import { byteLevel, PUNCTUATION, SPACE, WORD } from './characters.ts';
import {
  boolean,
  build,
  type ComponentTable,
  character,
  component,
  count,
  list,
  oneOf,
  or,
  withoutEffect,
} from './component.ts';
import type { JsonPlace } from './json-place.ts';
import { charactersOf, escaped, type Matcher, matcher, type Part, pattern } from './pattern.ts';

/**
 * Cuts normalised text into what the model then looks up one by one. `isStart`: the text given begins where the whole
 * text does.
 */
export type PreTokenizer = (text: string, isStart: boolean) => readonly string[];

type Behavior = (parts: readonly Part[]) => string[];

/** What becomes of the parts that a pattern matched. */
const behaviors = {
  Removed: (parts) => parts.filter(([, matched]) => !matched).map(([text]) => text),
  Isolated: (parts) => parts.map(([text]) => text),
  Contiguous: (parts) => joined(parts, (matched, before) => matched === before),
  MergedWithPrevious: (parts) => joined(parts, (matched, before) => matched && !before),
  MergedWithNext: (parts) => {
    const backwards = joined(
      parts.map(([text, matched]): Part => [backward(text), matched]).reverse(),
      (matched, before) => matched && !before,
    );
    return backwards.reverse().map(backward);
  },
} as const satisfies Record<string, Behavior>;

const behavior = oneOf(...(Object.keys(behaviors) as (keyof typeof behaviors)[]));

/** Code units in reverse order: parts that are joined from the end are joined as reversed texts. */
const backward = (text: string): string => text.split('').reverse().join('');

/** Each part, joined to the one before it where `joins` says so. */
function joined(
  parts: readonly Part[],
  joins: (matched: boolean, before: boolean) => boolean,
): string[] {
  const texts: string[] = [];
  let before = false;
  for (const [text, matched] of parts) {
    const last = texts.at(-1);
    if (last !== undefined && joins(matched, before)) texts[texts.length - 1] = last + text;
    else texts.push(text);
    before = matched;
  }
  return texts;
}

const inverted =
  (parts: Matcher): Matcher =>
  (text) =>
    parts(text).map(([part, matched]) => [part, !matched]);

const punctuation = charactersOf(PUNCTUATION);
const numeric = charactersOf('\\p{N}');

/** All matches: what lies between them is dropped. */
const matches =
  (expression: string): PreTokenizer =>
  (text) =>
    text.match(new RegExp(expression, 'gu')) ?? [];

/** GPT-2's pattern, with the library's white space. */
const BYTE_LEVEL = matcher(
  new RegExp(
    `'s|'t|'re|'ve|'m|'ll|'d| ?\\p{L}+| ?\\p{N}+| ?[^${SPACE}\\p{L}\\p{N}]+|${SPACE}+(?!\\P{White_Space})|${SPACE}+`,
    'gu',
  ),
);

const scheme = oneOf('always', 'first', 'never');

const FIRST_HINT = 'use the scheme "always" or "never", or leave the component before it out';

interface Metaspace {
  readonly replacement: string;
  readonly prepend_scheme: 'always' | 'first' | 'never';
  readonly split: boolean;
}

function metaspace({ replacement, prepend_scheme, split }: Metaspace): PreTokenizer {
  const replaced = charactersOf(escaped(replacement));
  return (text, isStart) => {
    const spaced = text.replaceAll(' ', () => replacement);
    const prepends = prepend_scheme === 'always' || (prepend_scheme === 'first' && isStart);
    const whole = prepends && !spaced.startsWith(replacement) ? replacement + spaced : spaced;
    return split ? behaviors.MergedWithNext(replaced(whole)) : [whole];
  };
}

/** The pre-tokenizers that are honoured, with their attributes. */
export const preTokenizers: ComponentTable<PreTokenizer> = {
  BertPreTokenizer: component({}, () =>
    matches(`${PUNCTUATION}|(?:(?!${PUNCTUATION})\\P{White_Space})+`),
  ),
  ByteLevel: component(
    { add_prefix_space: boolean, trim_offsets: withoutEffect, use_regex: or(boolean, true) },
    ({ add_prefix_space, use_regex }) =>
      (text) => {
        const whole = add_prefix_space && !text.startsWith(' ') ? ` ${text}` : text;
        return (use_regex ? behaviors.Isolated(BYTE_LEVEL(whole)) : [whole]).map(byteLevel);
      },
  ),
  CharDelimiterSplit: component({ delimiter: character }, ({ delimiter }) => {
    const delimiters = charactersOf(escaped(delimiter));
    return (text) => behaviors.Removed(delimiters(text));
  }),
  Digits: component({ individual_digits: boolean }, ({ individual_digits }) => {
    const cut = individual_digits ? behaviors.Isolated : behaviors.Contiguous;
    return (text) => cut(numeric(text));
  }),
  FixedLength: component({ length: or(count, 5) }, ({ length }, place) => {
    if (length === 0) throw place.get('length').expected('a length above 0');
    return (text) => {
      const characters = Array.from(text);
      return Array.from({ length: Math.ceil(characters.length / length) }, (_, i) =>
        characters.slice(i * length, (i + 1) * length).join(''),
      );
    };
  }),
  Metaspace: component(
    {
      replacement: character,
      prepend_scheme: or(scheme, 'always'),
      split: or(boolean, true),
      add_prefix_space: or(boolean, true),
      str_rep: withoutEffect,
    },
    ({ add_prefix_space, ...options }, place) => {
      const given = place.get('prepend_scheme');
      if (!add_prefix_space && options.prepend_scheme !== 'never') {
        throw given.refused(`${options.prepend_scheme}, although add_prefix_space is false`);
      }
      if (options.prepend_scheme === 'first' && !isFirstPreTokenizer(place)) {
        throw given.refused('"first" after another pre-tokenizer: not honoured', FIRST_HINT);
      }
      return metaspace(options);
    },
  ),
  Punctuation: component({ behavior: or(behavior, 'Isolated') }, ({ behavior: name }) => {
    const cut = behaviors[name];
    return (text) => cut(punctuation(text));
  }),
  Sequence: component(
    { pretokenizers: list((place: JsonPlace): PreTokenizer => build(preTokenizers, place)) },
    ({ pretokenizers }) =>
      (text, isStart) =>
        pretokenizers.reduce<readonly string[]>(
          (pieces, cut, i) =>
            pieces.flatMap((piece) => cut(piece, isStart && i === 0)).filter(Boolean),
          [text],
        ),
  ),
  Split: component(
    { pattern, behavior, invert: boolean },
    ({ pattern: parts, behavior: name, invert }) => {
      const [cut, find] = [behaviors[name], invert ? inverted(parts) : parts];
      return (text) => cut(find(text));
    },
  ),
  Whitespace: component({}, () => matches(`[${WORD}]+|[^${WORD}${SPACE}]+`)),
  WhitespaceSplit: component({}, () => matches('\\P{White_Space}+')),
};

const isFirstPreTokenizer = ({ path }: JsonPlace): boolean =>
  /^pre_tokenizer(?:\.pretokenizers\[0\])*$/.test(path);
