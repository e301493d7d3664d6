import type { Reference } from '../../src/bundle/index.ts';
import type { Task } from '../../src/task/index.ts';
import { SPECIAL_TOKENS_PER_WINDOW, type TextTokenizer } from '../../src/text/index.ts';
import type { BatchOptions, TokenizedExample } from '../data/index.ts';
import { referenceOf } from '../evaluate/index.ts';
import { type Evaluator, scoreSplit } from './split-scores.ts';

/** Enough for ten bins to be sure of; long texts take a run for each of their windows. */
const MOST_TEXTS = 1_000;

/** As many as a server scores of one text by default. */
const MOST_WINDOWS = 32;

/**
 * What a server will see of texts like these: whole texts, the mean of their windows, where an
 * evaluation looks at the first window alone.
 */
export async function driftReference(
  model: Evaluator,
  examples: readonly TokenizedExample[],
  task: Task,
  options: BatchOptions & {
    readonly tokenizer: Pick<TextTokenizer, 'unkId'>;
    readonly stop?: AbortSignal;
    readonly onTexts?: (windows: number) => void;
  },
): Promise<Reference> {
  const room = options.maxLength - SPECIAL_TOKENS_PER_WINDOW;
  const windows = examples.slice(0, MOST_TEXTS).map((example) => windowsOf(example, room));
  const { probabilities } = await scoreSplit(model, windows.flat(), task, options);
  const width = task.axes.length;
  let at = 0;
  const texts = windows.map((ofText) => {
    const first = at;
    at += ofText.length;
    const mean = (axis: number) =>
      ofText.reduce((sum, _, i) => sum + (probabilities[(first + i) * width + axis] ?? 0), 0) /
      ofText.length;
    const ids = ofText.flatMap((window) => [...window.ids]);
    return {
      probabilities: task.axes.map((_, axis) => mean(axis)),
      tokens: ids.length + ofText.length * SPECIAL_TOKENS_PER_WINDOW,
      windows: ofText.length,
      unknownTokens: ids.filter((id) => id === options.tokenizer.unkId).length,
    };
  });
  return referenceOf(task.axes, texts);
}

function windowsOf({ ids, labels }: TokenizedExample, room: number): TokenizedExample[] {
  const count = Math.min(Math.max(Math.ceil(ids.length / room), 1), MOST_WINDOWS);
  return Array.from({ length: count }, (_, i) => ({
    ids: ids.subarray(i * room, (i + 1) * room),
    labels,
  }));
}
