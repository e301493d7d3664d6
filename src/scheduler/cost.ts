import { CHARACTERS_PER_TOKEN, SPECIAL_TOKENS_PER_WINDOW } from '../text/index.ts';

/** What is computed of a text at most. */
export interface WindowLimits {
  readonly maxLength: number;
  readonly maxWindows: number;
}

const noLimit: WindowLimits = { maxLength: 1, maxWindows: Number.POSITIVE_INFINITY };

/** Characters of a text that is not computed, but is sent and looked at, in the time of a token. */
const CHARACTERS_READ_PER_TOKEN = 64;

/** Runs of the model that explaining a window takes, as a number of tokens: measured with integrated gradients at 17 points. */
export const RUNS_OF_AN_EXPLANATION = 32;

/**
 * What a text costs that no engine has cut yet, in tokens: those of its windows, [CLS] and [SEP] included, as often as
 * they are computed, and something for its length. Letters are `CHARACTERS_PER_TOKEN` a token; a mark of punctuation,
 * an ideograph and a half of an emoji are one each.
 */
export function costOf(
  text: string,
  isExplained = false,
  { maxLength, maxWindows }: WindowLimits = noLimit,
): number {
  const most = maxLength * maxWindows;
  const tokens = Math.min(estimatedTokens(text, most), most);
  const beyond = Math.max(text.length - tokens * CHARACTERS_PER_TOKEN, 0);
  const runs = isExplained ? 1 + RUNS_OF_AN_EXPLANATION : 1;
  return tokens * runs + Math.floor(beyond / CHARACTERS_READ_PER_TOKEN);
}

/** Counts no further than to `most`. */
function estimatedTokens(text: string, most: number): number {
  let quarters = 0;
  for (let at = 0; at < text.length && quarters < most * CHARACTERS_PER_TOKEN; at++) {
    quarters += isLetterLike(text.charCodeAt(at)) ? 1 : CHARACTERS_PER_TOKEN;
  }
  return Math.ceil(quarters / CHARACTERS_PER_TOKEN) + SPECIAL_TOKENS_PER_WINDOW;
}

/** Letters and digits of scripts whose words have several, and white space. */
function isLetterLike(unit: number): boolean {
  if (unit >= FIRST_IDEOGRAPHIC) return false;
  if (unit > 0x7f || unit <= 0x20) return true;
  const lower = unit | 0x20;
  return (lower >= 0x61 && lower <= 0x7a) || (unit >= 0x30 && unit <= 0x39);
}

/** From here on are the radicals of ideographs, their characters, syllables of Hangul, and halves of surrogate pairs. */
const FIRST_IDEOGRAPHIC = 0x2e80;
