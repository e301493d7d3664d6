import { AppError } from '../../errors.ts';
import { minimumLength, type Task } from '../../task/index.ts';
import { cleanText, isTooShort, tooShortMessage } from '../../text/index.ts';

/** The texts cleaned as in training. AppError `text_too_short`, which calls a text `nameOf(index)`. */
export function cleanTexts(
  texts: readonly string[],
  task: Task,
  nameOf: (index: number) => string,
): string[] {
  return texts.map((text, i) => {
    const cleaned = cleanText(text, task.cleaning);
    if (isTooShort(cleaned, minimumLength(task))) throw tooShort(cleaned, task, nameOf(i));
    return cleaned;
  });
}

/** The error of a cleaned text that is too short. */
export function tooShort(cleaned: string, task: Task, name: string): AppError {
  const message = tooShortMessage(cleaned, minimumLength(task));
  return new AppError('text_too_short', `${name} ${message}`);
}
