/** `mbti`: the corpus's own cleaning; `none`: only control characters and runs of white space go. */
export type CleaningMode = 'mbti' | 'none';

/** A replacement: every match of the pattern gives way to the text. */
type Step = readonly [pattern: RegExp, replacement: string];

/** The Python repr of bytes, `b'…'`, which some exports of the corpus begin with. */
const BYTES_PREFIX: Step = [/^\s*b['"]/, ''];
const POST_SEPARATOR: Step = [/\|\|\|/g, ' '];
/** Neither part may hold its own opening bracket: matching stays linear in the length of the text. */
const MARKDOWN_IMAGE: Step = [/!\[[^[\]]*\]\([^()]*\)/g, ' '];
const URL: Step = [/\b(?:https?:\/\/|www\.)\S+/gi, ' '];
/** Kept: letters, digits, space and . , ! ? ' - : ; (the hyphen is a character here, not a range). */
const FOREIGN_CHARACTER: Step = [/[^a-zA-Z0-9 .,!?':;-]+/g, ' '];
/** INFP, infps, INFP's: naming a type gives the label away. */
const TYPE_NAME: Step = [/\b[IE][NS][TF][JP](?:'?s)?\b/gi, ' '];
/** Control characters that are no white space, and halves of surrogate pairs. */
const CONTROL_CHARACTER: Step = [/(?![\s\p{White_Space}])[\p{Cc}\p{Cs}]/gu, ''];
/** Every end of a line and of a paragraph is white space: U+0085 is none to `\s`, U+FEFF none to Unicode. */
const WHITE_SPACE: Step = [/[\s\p{White_Space}]+/gu, ' '];
/** What nobody sees: controls, formats such as the soft hyphen, zero-width characters. */
const UNSEEN = /[\p{Cc}\p{Cf}\p{Default_Ignorable_Code_Point}]/u;

/** In this order: a URL ends where a post ends, and type names are found once `_` and `/` are gone. */
const steps: Record<CleaningMode, readonly Step[]> = {
  mbti: [
    BYTES_PREFIX,
    POST_SEPARATOR,
    MARKDOWN_IMAGE,
    URL,
    FOREIGN_CHARACTER,
    TYPE_NAME,
    WHITE_SPACE,
  ],
  none: [CONTROL_CHARACTER, WHITE_SPACE],
};

/** The text as training and serving see it. */
export function cleanText(raw: string, mode: CleaningMode): string {
  return steps[mode]
    .reduce((text, [pattern, replacement]) => text.replace(pattern, replacement), raw)
    .trim();
}

/** How many type names the `mbti` cleaning takes out of a text; for reports. */
export function countTypeNames(raw: string): number {
  const before = steps.mbti.slice(0, steps.mbti.indexOf(TYPE_NAME));
  const text = before.reduce((t, [pattern, replacement]) => t.replace(pattern, replacement), raw);
  return text.match(TYPE_NAME[0])?.length ?? 0;
}

/** The characters of a cleaned text (code points, not code units) that somebody can see. */
export function visibleLength(cleaned: string): number {
  let count = 0;
  for (const character of cleaned) if (!UNSEEN.test(character)) count++;
  return count;
}

/** Whether fewer than `minimum` characters of a cleaned text can be seen. */
export function isTooShort(cleaned: string, minimum: number): boolean {
  let count = 0;
  for (const character of cleaned) {
    if (!UNSEEN.test(character) && ++count >= minimum) return false;
  }
  return true;
}

/** What is wrong with a text that is too short. */
export function tooShortMessage(cleaned: string, minimum: number): string {
  return `has ${visibleLength(cleaned)} characters after cleaning: expected at least ${minimum}`;
}
