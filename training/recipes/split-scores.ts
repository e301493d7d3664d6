import { probabilities, type Task } from '../../src/task/index.ts';
import {
  type Batch,
  type BatchOptions,
  evaluationBatches,
  type TokenizedExample,
} from '../data/index.ts';

/** An executor, or a session of a finished model. */
export interface Evaluator {
  evaluate(batch: Batch): Promise<{ readonly loss?: number; readonly logits: Float32Array }>;
}

/** What a model says about the texts of a split, in the split's order. */
export interface SplitScores {
  /** Mean over all texts and axes; NaN where the model says none. */
  readonly loss: number;
  /** [rows, axes] */
  readonly logits: Float32Array;
  /** Of each axis's first label, [rows, axes]. */
  readonly probabilities: Float64Array;
  /** [rows, axes] */
  readonly labels: Float32Array;
}

/** Runs every text of a split once, cut to the window. Throws the signal's reason when it is aborted. */
export async function scoreSplit(
  model: Evaluator,
  examples: readonly TokenizedExample[],
  task: Task,
  options: BatchOptions & {
    readonly stop?: AbortSignal;
    /** Told how many texts are done. */
    readonly onTexts?: (done: number) => void;
  },
): Promise<SplitScores> {
  const width = task.axes.length;
  const logits = new Float32Array(examples.length * width);
  let total = 0;
  let done = 0;
  for (const batch of evaluationBatches(examples, options)) {
    options.stop?.throwIfAborted();
    const result = await model.evaluate(batch);
    total += (result.loss ?? Number.NaN) * batch.size;
    for (const [row, index] of batch.indices.entries()) {
      logits.set(result.logits.subarray(row * width, (row + 1) * width), index * width);
    }
    done += batch.size;
    options.onTexts?.(done);
  }
  return {
    loss: total / Math.max(examples.length, 1),
    logits,
    probabilities: allProbabilities(task, logits),
    labels: labelTable(examples, width),
  };
}

/** Probabilities of a [rows, axes] table of logits. */
export function allProbabilities(task: Task, logits: Float32Array): Float64Array {
  const width = task.axes.length;
  const rows = logits.length / width;
  const table = new Float64Array(logits.length);
  for (let row = 0; row < rows; row++) {
    const at = row * width;
    table.set(probabilities(task, logits.subarray(at, at + width)), at);
  }
  return table;
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
