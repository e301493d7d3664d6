import type { CleaningMode } from '../../text/index.ts';
import type { Schema } from '../openapi/operation.ts';

/** What cleaning keeps (one character), and what it may put a space for or drop between two of these. */
const kept: Readonly<Record<CleaningMode, { readonly character: string; readonly other: string }>> =
  {
    mbti: { character: "[a-zA-Z0-9.,!?':;-]", other: "[^a-zA-Z0-9.,!?':;-]" },
    none: {
      character: '[^\\s\\u0000-\\u001f\\u007f-\\u009f\\ud800-\\udfff]',
      other: '[\\s\\u0000-\\u001f\\u007f-\\u009f\\ud800-\\udfff]',
    },
  };

/**
 * A text to be scored. Its pattern holds for every text of which the minimum is left after cleaning:
 * kept characters, and each gap between two of them counted as one. It says no more, as links and the
 * like go too: cleaning has the last word. Matching is linear, as it begins
 * once and a gap ends only at a kept character.
 */
export function textSchema(cleaning: CleaningMode, minimum: number): Schema {
  const { character, other } = kept[cleaning];
  return {
    type: 'string',
    description: `At least ${minimum} characters that can be seen are left of it after cleaning.`,
    pattern: `^${other}*${character}(?:${character}|${other}+(?=${character})){${minimum - 1}}`,
  };
}
