import { AppError } from '../../errors.ts';
import { type CleaningMode, cleanText, isTooShort, MINIMUM_TEXT_LENGTH } from '../../text/index.ts';

/** The texts cleaned as in training. AppError `text_too_short`, which calls a text `nameOf(index)`. */
export function cleanTexts(
  texts: readonly string[],
  cleaning: CleaningMode,
  nameOf: (index: number) => string,
): string[] {
  return texts.map((text, i) => {
    const cleaned = cleanText(text, cleaning);
    if (isTooShort(cleaned)) throw tooShort(cleaned, nameOf(i));
    return cleaned;
  });
}

/** The error of a cleaned text that is too short. */
export function tooShort(cleaned: string, name: string): AppError {
  return new AppError(
    'text_too_short',
    `${name} has ${Array.from(cleaned).length} characters after cleaning: expected at least ${MINIMUM_TEXT_LENGTH}`,
  );
}
