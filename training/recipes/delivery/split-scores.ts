import type { Config } from '../../../src/config/index.ts';
import { meanProbabilities, type Task } from '../../../src/task/index.ts';
import { windowCount } from '../../../src/text/index.ts';
import {
  type Batch,
  type EvaluationOptions,
  evaluationBatches,
  type TokenizedExample,
} from '../../data/index.ts';

/** An executor, or a session of a finished model. */
export interface Evaluator {
  evaluate(batch: Batch): Promise<{ readonly loss?: number; readonly logits: Float32Array }>;
}

/** Of each text in order, the logits [axes] of its windows. */
export type WindowLogits = readonly (readonly Float32Array[])[];

/** What a model says about the texts of a split, in the split's order. */
export interface SplitScores {
  /** Mean over all windows and axes; NaN where the model says none. */
  readonly loss: number;
  readonly windows: WindowLogits;
  /** Of each axis's first label, [rows, axes]: the mean over a text's windows. */
  readonly probabilities: Float64Array;
  /** [rows, axes] */
  readonly labels: Float32Array;
}

/**
 * Runs the windows of every text of a split: all that the server scores, or with `maxWindows` 1 the first of each,
 * which is quicker and says less of long texts. Throws the signal's reason when it is aborted.
 */
export async function scoreSplit(
  model: Evaluator,
  examples: readonly TokenizedExample[],
  task: Task,
  options: EvaluationOptions & {
    readonly stop?: AbortSignal | undefined;
    /** Told how many windows are done. */
    readonly onWindows?: ((done: number) => void) | undefined;
  },
): Promise<SplitScores> {
  const width = task.axes.length;
  const windows = examples.map((): Float32Array[] => []);
  let total = 0;
  let done = 0;
  for (const batch of evaluationBatches(examples, options)) {
    options.stop?.throwIfAborted();
    const result = await model.evaluate(batch);
    total += (result.loss ?? Number.NaN) * batch.size;
    done += batch.size;
    for (const [row, index] of batch.indices.entries()) {
      windows[index]?.push(result.logits.slice(row * width, (row + 1) * width));
    }
    options.onWindows?.(done);
  }
  return {
    loss: total / Math.max(done, 1),
    windows,
    probabilities: allProbabilities(task, windows),
    labels: labelTable(examples, width),
  };
}

/** What the server answers of texts whose windows have these logits, [rows, axes]. */
export function allProbabilities(task: Task, texts: WindowLogits): Float64Array {
  return Float64Array.from(texts.flatMap((windows) => meanProbabilities(task, windows)));
}

/** How a server cuts texts. */
export type ServedWindows = Pick<EvaluationOptions, 'maxLength' | 'maxWindows'>;

/** How a server with this configuration cuts the texts of the model that is trained with it. */
export function servedWindows({ train, limits }: Pick<Config, 'train' | 'limits'>): ServedWindows {
  return { maxLength: train.max_length, maxWindows: limits.max_windows };
}

/** How many windows the server scores of texts. */
export function windowsOf(
  texts: readonly TokenizedText[],
  { maxLength, maxWindows }: ServedWindows,
): number {
  const windows = ({ ids }: TokenizedText) =>
    Math.min(windowCount(ids.length, maxLength), maxWindows);
  return texts.reduce((sum, text) => sum + windows(text), 0);
}

/** The first texts, as many as have so many windows together at most; at least one. */
export function withinWindows<T extends TokenizedText>(
  texts: readonly T[],
  cut: ServedWindows,
  most: number,
): readonly T[] {
  let windows = 0;
  const past = texts.findIndex((text) => {
    windows += windowsOf([text], cut);
    return windows > most;
  });
  return past < 0 ? texts : texts.slice(0, Math.max(past, 1));
}

/** A text of which only its length counts. */
export interface TokenizedText {
  readonly ids: { readonly length: number };
}

/** The labels of examples as one [rows, axes] table. */
export function labelTable(
  examples: readonly { readonly labels: Float32Array }[],
  width: number,
): Float32Array {
  const table = new Float32Array(examples.length * width);
  for (const [row, { labels }] of examples.entries()) table.set(labels, row * width);
  return table;
}
