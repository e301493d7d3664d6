import { AppError } from '../errors.ts';
import type { TextTokenizer } from './tokenizer.ts';

/** Characters of a token, roughly, in English prose: for estimates before a text is tokenized. */
export const CHARACTERS_PER_TOKEN = 4;

/** [CLS] and [SEP] around every window. */
export const SPECIAL_TOKENS_PER_WINDOW = 2;

/** Cuts ids into consecutive windows of at most maxLength-2 ids, each as [CLS] … [SEP]; at least one window. */
export function tokenWindows(
  ids: readonly number[],
  maxLength: number,
  tokenizer: Pick<TextTokenizer, 'clsId' | 'sepId'>,
): number[][] {
  const room = maxLength - SPECIAL_TOKENS_PER_WINDOW;
  if (!Number.isInteger(room) || room < 1) {
    throw new AppError('internal', `windows of ${maxLength} tokens have no room for text`);
  }
  const windows: number[][] = [];
  for (let start = 0; start === 0 || start < ids.length; start += room) {
    windows.push([tokenizer.clsId, ...ids.slice(start, start + room), tokenizer.sepId]);
  }
  return windows;
}

/**
 * A window of `maxLength` tokens, the most that a text gives, of the largest ids: what a model has to be able to score.
 * Padding is not among them: models that count positions by themselves count those of text alone.
 */
export function longestWindow(
  maxLength: number,
  tokenizer: Pick<TextTokenizer, 'clsId' | 'sepId' | 'padId' | 'vocabularySize'>,
): number[] {
  const { clsId, sepId, padId, vocabularySize } = tokenizer;
  const ids = Array.from({ length: maxLength - SPECIAL_TOKENS_PER_WINDOW }, (_, i) => {
    const id = vocabularySize - 1 - (i % vocabularySize);
    return id === padId ? clsId : id;
  });
  return [clsId, ...ids, sepId];
}
