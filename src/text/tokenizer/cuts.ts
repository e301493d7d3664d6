import type { AddedToken } from './added-tokens.ts';
import type { JsonPlace } from './json-place.ts';
import type { Normalizer } from './normalizers.ts';

/** A part of a text that is tokenized alone, to the same ids, and which of the text's ends are its own. */
export interface Chunk {
  readonly text: string;
  readonly start: boolean;
  readonly end: boolean;
}

/** Code units of a chunk, at least: many, so that cutting costs nothing; few, so that a text is not tokenized in vain. */
export const CHUNK = 4096;

/**
 * A letter or a digit that no normalizer takes away, or joins to a space behind it: nothing ignorable, no Arabic
 * presentation form (some are a space and marks), nothing that the next character belongs to (Grapheme_Cluster_Break
 * Prepend).
 */
export const SOLID =
  '(?![\\p{Default_Ignorable_Code_Point}\\ufb50-\\ufdff\\ufe70-\\ufeff\\u0d4e\\u{111c2}\\u{111c3}\\u{113d1}\\u{1193f}\\u{11941}\\u{11a3a}\\u{11a84}-\\u{11a89}\\u{11d46}\\u{11f02}])[\\p{Lu}\\p{Ll}\\p{Lo}\\p{Nd}]';
const PUNCTUATION = '!-\\/:-@\\[-`{-~';
const CHINESE = '\\u3400-\\u4dbf\\u4e00-\\u9fff';

/** The last character before the space between two words. */
const BETWEEN_WORDS = `${SOLID}(?= ${SOLID})`;
/** BERT's own two components also keep apart what stands beside punctuation and Chinese characters. */
const bertCut = (chinese: string): string =>
  `(?:${SOLID}|[${PUNCTUATION}])(?=[ ${PUNCTUATION}${chinese}])`;

/** What a pipeline does with a text, for a judgement on where it may be cut. */
export interface Steps {
  readonly normalizer: JsonPlace;
  readonly preTokenizer: JsonPlace;
  /** Those that are looked for in normalised text. */
  readonly tokens: readonly AddedToken[];
  readonly normalize: Normalizer;
}

/** Cuts texts where both sides get the ids that they have together; where nothing is known of that, nowhere. */
export function chunker(steps: Steps, size: number): (text: string) => Iterable<Chunk> {
  const source = cutSource(steps);
  return (text) =>
    source === undefined || text.length <= size
      ? [{ text, start: true, end: true }]
      : chunks(text, new RegExp(source, 'gu'), size);
}

function* chunks(text: string, cut: RegExp, size: number): Generator<Chunk> {
  for (let from = 0; from < text.length; ) {
    cut.lastIndex = from + size;
    const end = cut.test(text) ? cut.lastIndex : text.length;
    yield { text: text.slice(from, end), start: from === 0, end: end === text.length };
    from = end;
  }
}

function cutSource({ normalizer, preTokenizer, tokens, normalize }: Steps): string | undefined {
  if (typeOf(normalizer) === 'BertNormalizer' && typeOf(preTokenizer) === 'BertPreTokenizer') {
    const { value } = normalizer.get('handle_chinese_chars');
    if (tokens.length === 0) return bertCut(value === true ? CHINESE : '');
  }
  const standsApart = ({ content, rstrip }: AddedToken) => !content.includes(' ') && !rstrip;
  const isKnown =
    (normalizer.isAbsent || isLocal(normalizer)) &&
    splits(preTokenizer) &&
    tokens.every(standsApart) &&
    // A map of characters, or a replacement, may do anything to a space.
    normalize('a b', { start: false, end: false }) === 'a b';
  return isKnown ? BETWEEN_WORDS : undefined;
}

type Rule = (place: JsonPlace) => boolean;
const always: Rule = () => true;

const typeOf = (place: JsonPlace): unknown =>
  place.isAbsent ? undefined : place.get('type').value;
const followed = (rules: Readonly<Record<string, Rule>>, place: JsonPlace): boolean => {
  const type = typeOf(place);
  return typeof type === 'string' && Object.hasOwn(rules, type) && rules[type]?.(place) === true;
};

const isLocal: Rule = (place) => followed(localNormalizers, place);
const splits: Rule = (place) => followed(splitters, place);
const passes: Rule = (place) => followed(passers, place);

/** Normalizers that make the same of two words together as of each of them. */
const localNormalizers: Readonly<Record<string, Rule>> = {
  BertNormalizer: always,
  Lowercase: always,
  NFC: always,
  NFD: always,
  NFKC: always,
  NFKD: always,
  Nmt: always,
  Precompiled: always,
  Prepend: always,
  Replace: (place) => {
    const { value: literal } = place.get('pattern').get('String');
    const { value: regex } = place.get('pattern').get('Regex');
    const isBetween = typeof literal === 'string' ? literal.includes(' ') : regex !== ' {2,}';
    return !isBetween && place.get('content').value !== '';
  },
  Sequence: (place) => place.get('normalizers').list().every(isLocal),
  Strip: always,
  StripAccents: always,
};

/** Pre-tokenizers that begin anew at the space between two words, or drop it. */
const splitters: Readonly<Record<string, Rule>> = {
  BertPreTokenizer: always,
  ByteLevel: (place) => place.get('use_regex').value !== false,
  Metaspace: (place) => place.get('split').value !== false,
  Sequence: (place) => {
    const steps = place.get('pretokenizers').list();
    const first = steps.findIndex(splits);
    return first >= 0 && steps.slice(0, first).every(passes);
  },
  Whitespace: always,
  WhitespaceSplit: always,
};

/** Pre-tokenizers that neither see a space between words nor count. */
const passers: Readonly<Record<string, Rule>> = {
  CharDelimiterSplit: (place) => place.get('delimiter').value !== ' ',
  Digits: always,
  Punctuation: always,
};
