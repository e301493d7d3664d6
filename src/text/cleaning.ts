/** `mbti`: the corpus's own cleaning; `none`: only control characters and runs of white space go. */
export type CleaningMode = 'mbti' | 'none';

/** All of them take time in proportion to the text, whatever it holds; one that takes long may be paused where it yields. */
type Step = (text: string) => Generator<void, string>;

/** Every match of the pattern gives way to the text. */
const replaced = (pattern: RegExp, replacement: string): Step =>
  // biome-ignore lint/correctness/useYield: a pattern cannot be paused.
  function* (text) {
    return text.replace(pattern, replacement);
  };

/** The Python repr of bytes, `b'…'`, which some exports of the corpus begin with. */
const bytesPrefix = replaced(/^\s*b['"]/, '');
const postSeparator = replaced(/\|\|\|/g, ' ');
/** Neither part may hold its own opening bracket: matching stays linear in the length of the text. */
const markdownImage = replaced(/!\[[^[\]]*\]\([^()]*\)/g, ' ');
const url = replaced(/\b(?:https?:\/\/|www\.)\S+/gi, ' ');
/** INFP, infps, INFP's: naming a type gives the label away. */
const TYPE_NAME = /\b[IE][NS][TF][JP](?:'?s)?\b/gi;
const typeName = replaced(TYPE_NAME, ' ');
/** Control characters that are no white space, and halves of surrogate pairs. */
const controlCharacter = replaced(/(?![\s\p{White_Space}])[\p{Cc}\p{Cs}]/gu, '');
/**
 * Every end of a line and of a paragraph is white space: U+0085 is none to `\s`, U+FEFF none to Unicode. A single space
 * stays as it is, and is no match: replacing every space of a text takes thirty times as long.
 */
const whiteSpace = replaced(/ [\s\p{White_Space}]+|(?! )[\s\p{White_Space}]+/gu, ' ');

const SPACE = 0x20;
/** Beside the space, by code: letters, digits and . , ! ? ' - : ; */
const isKept = Uint8Array.from({ length: 128 }, (_, code) =>
  /[a-zA-Z0-9.,!?':;-]/.test(String.fromCharCode(code)) ? 1 : 0,
);

/** Characters that are looked at in one go, which takes less than a millisecond. */
const PART = 65_536;

/** Runs of other characters, and of spaces, are one space. A pattern is slow where there are many of them. */
function* foreignCharacters(text: string): Generator<void, string> {
  const kept = Buffer.allocUnsafe(text.length);
  let length = 0;
  for (let part = 0; part < text.length; part += PART) {
    if (part > 0) yield;
    for (let at = part; at < Math.min(part + PART, text.length); at++) {
      const code = text.charCodeAt(at);
      if (isKept[code] === 1) kept[length++] = code;
      else if (length === 0 || kept[length - 1] !== SPACE) kept[length++] = SPACE;
    }
  }
  return kept.toString('latin1', 0, length);
}

/** What nobody sees: controls, formats such as the soft hyphen, zero-width characters. */
const UNSEEN = /[\p{Cc}\p{Cf}\p{Default_Ignorable_Code_Point}]/u;

/** In this order: a URL ends where a post ends, and type names are found once `_` and `/` are gone. */
const steps: Record<CleaningMode, readonly Step[]> = {
  mbti: [bytesPrefix, postSeparator, markdownImage, url, foreignCharacters, typeName, whiteSpace],
  none: [controlCharacter, whiteSpace],
};

/** The text as training and serving see it. */
export function cleanText(raw: string, mode: CleaningMode): string {
  return steps[mode].reduce((text, step) => resultOf(step(text)), raw).trim();
}

function resultOf(step: Generator<void, string>): string {
  for (;;) {
    const { done, value } = step.next();
    if (done) return value;
  }
}

/** The same, with pauses for whoever cleans a long text beside other work. */
export async function cleanLongText(
  raw: string,
  mode: CleaningMode,
  pause: () => Promise<void>,
): Promise<string> {
  let text = raw;
  for (const step of steps[mode]) {
    const parts = step(text);
    let part = parts.next();
    for (; !part.done; part = parts.next()) await pause();
    text = part.value;
    await pause();
  }
  return text.trim();
}

/** How many type names the `mbti` cleaning takes out of a text; for reports. */
export function countTypeNames(raw: string): number {
  const before = steps.mbti.slice(0, steps.mbti.indexOf(typeName));
  return before.reduce((text, step) => resultOf(step(text)), raw).match(TYPE_NAME)?.length ?? 0;
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
