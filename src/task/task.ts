import type { CleaningMode } from '../text/cleaning.ts';

/** One binary question about a text. */
export interface Axis {
  readonly name: string;
  /** labels[0] is the positive one: its probability is the axis's score. */
  readonly labels: readonly [string, string];
  /** A score of at least this is labels[0]. */
  readonly threshold: number;
  /** Logits are divided by it: 1 is uncalibrated. */
  readonly temperature: number;
}

/** What a model answers: its axes in the order of its logits, and how its texts are cleaned. */
export interface Task {
  readonly name: string;
  readonly cleaning: CleaningMode;
  /** Characters that a text must have after cleaning; named as in the manifest. */
  readonly min_length?: number;
  readonly axes: readonly Axis[];
}

/** The name of the task whose labels, put together, are a four-letter type. */
export const MBTI = 'mbti';

/** Of tasks from before they said it themselves. */
const MINIMUM_LENGTH = 10;

/** Characters that a text must have after cleaning to be trained on or scored. */
export const minimumLength = ({ min_length: own }: Pick<Task, 'min_length'>): number =>
  own ?? MINIMUM_LENGTH;

/** A task before anything is tuned: threshold 0.5, temperature 1. */
export function untunedTask(
  task: {
    readonly name: string;
    readonly axes: readonly { readonly name: string; readonly labels: readonly [string, string] }[];
  },
  cleaning: CleaningMode,
  minimum?: number,
): Task {
  return {
    name: task.name,
    cleaning,
    ...(minimum === undefined ? {} : { min_length: minimum }),
    axes: task.axes.map(({ name, labels }) => ({ name, labels, threshold: 0.5, temperature: 1 })),
  };
}
