import type { Reference } from '../../../src/bundle/index.ts';
import type { Task } from '../../../src/task/index.ts';
import {
  SPECIAL_TOKENS_PER_WINDOW,
  type TextTokenizer,
  windowRanges,
} from '../../../src/text/index.ts';
import type { TokenizedExample } from '../../data/index.ts';
import { referenceOf } from '../../evaluate/index.ts';

export interface ServedWindows {
  /** Tokens of a window, and windows of a text that are scored. */
  readonly maxLength: number;
  readonly maxWindows: number;
  readonly tokenizer: Pick<TextTokenizer, 'unkId'>;
}

/**
 * What a server will see of texts like these.
 *
 * @param probabilities as they are served, [rows, axes]
 */
export function driftReference(
  { axes }: Pick<Task, 'axes'>,
  examples: readonly TokenizedExample[],
  probabilities: Float64Array,
  { maxLength, maxWindows, tokenizer }: ServedWindows,
): Reference {
  const texts = examples.map(({ ids }, row) => {
    const windows = windowRanges(ids.length, maxLength, maxWindows);
    const scored = windows.reduce((sum, { length }) => sum + length, 0);
    const unknown = ids.subarray(0, scored).filter((id) => id === tokenizer.unkId);
    return {
      probabilities: [...probabilities.subarray(row * axes.length, (row + 1) * axes.length)],
      tokens: scored + windows.length * SPECIAL_TOKENS_PER_WINDOW,
      windows: windows.length,
      unknownTokens: unknown.length,
    };
  });
  return referenceOf(axes, texts);
}
