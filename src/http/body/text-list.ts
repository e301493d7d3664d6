import { AppError } from '../../errors.ts';
import { minimumLength, type Task } from '../../task/index.ts';
import { cleanLongText, cleanText, isTooShort, tooShortMessage } from '../../text/index.ts';
import { LONG, turn } from './turns.ts';

/** The texts cleaned as in training. AppError `text_too_short`, which calls a text `nameOf(index)`. */
export async function cleanTexts(
  texts: readonly string[],
  task: Task,
  nameOf: (index: number) => string,
): Promise<string[]> {
  const all: string[] = [];
  let inThisTurn = 0;
  for (const [i, text] of texts.entries()) {
    const isLong = text.length >= LONG;
    inThisTurn = isLong ? 0 : inThisTurn + text.length;
    if (inThisTurn >= LONG) {
      await turn();
      inThisTurn = 0;
    }
    const cleaned = isLong
      ? await cleanLongText(text, task.cleaning, turn)
      : cleanText(text, task.cleaning);
    if (isTooShort(cleaned, minimumLength(task))) throw tooShort(cleaned, task, nameOf(i));
    all.push(cleaned);
  }
  return all;
}

/** The error of a cleaned text that is too short. */
export function tooShort(cleaned: string, task: Task, name: string): AppError {
  const message = tooShortMessage(cleaned, minimumLength(task));
  return new AppError('text_too_short', `${name} ${message}`);
}
