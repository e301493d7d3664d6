import { AppError } from '../errors.ts';
import type { TextTokenizer } from './tokenizer.ts';

/** Characters of a token, roughly, in English prose: for estimates before a text is tokenized. */
export const CHARACTERS_PER_TOKEN = 4;

/** [CLS] and [SEP] around every window. */
export const SPECIAL_TOKENS_PER_WINDOW = 2;

/** A window of a text: `length` of its ids from `start`. */
export interface WindowRange {
  readonly start: number;
  readonly length: number;
}

/**
 * Where the windows of a text of `count` ids lie: one behind the other, at most maxLength-2 ids each; at least one
 * window, and of a long text the first `maxWindows`. Serving and measuring cut alike: here.
 */
export function windowRanges(
  count: number,
  maxLength: number,
  maxWindows = Number.POSITIVE_INFINITY,
): WindowRange[] {
  const room = roomOf(maxLength);
  const windows = Math.min(windowCount(count, maxLength), maxWindows);
  return Array.from({ length: windows }, (_, i) => ({
    start: i * room,
    length: Math.min(room, count - i * room),
  }));
}

/** The ids of a text that its windows are made of, and one more: whether it has more windows than these. */
export function idsOfWindows(maxLength: number, maxWindows: number): number {
  return roomOf(maxLength) * maxWindows + 1;
}

/** How many windows a text of `count` ids has; at least one. */
export function windowCount(count: number, maxLength: number): number {
  return Math.max(Math.ceil(count / roomOf(maxLength)), 1);
}

/** The ranges' ids, each window as [CLS] … [SEP]. */
export function tokenWindows(
  ids: readonly number[],
  maxLength: number,
  tokenizer: Pick<TextTokenizer, 'clsId' | 'sepId'>,
  maxWindows?: number,
): number[][] {
  return windowRanges(ids.length, maxLength, maxWindows).map(({ start, length }) => [
    tokenizer.clsId,
    ...ids.slice(start, start + length),
    tokenizer.sepId,
  ]);
}

/** Ids of a text that a window holds. */
function roomOf(maxLength: number): number {
  const room = maxLength - SPECIAL_TOKENS_PER_WINDOW;
  if (Number.isInteger(room) && room >= 1) return room;
  throw new AppError('internal', `windows of ${maxLength} tokens have no room for text`);
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
