import type { Task } from '../../../../src/task/index.ts';
import type { EvaluationOptions, TokenizedExample } from '../../../data/index.ts';
import type { Model } from '../../../onnx/model.ts';
import { openInference } from '../../../runtime/index.ts';
import { type ServedWindows, scoreSplit } from '../split-scores.ts';

export interface ServedTexts {
  readonly examples: readonly TokenizedExample[];
  readonly task: Task;
  /** How the server cuts them. */
  readonly batch: ServedWindows & Pick<EvaluationOptions, 'tokenizer'>;
  /** Threads of one operator; 0: one for each core. */
  readonly threads: number;
  readonly stop?: AbortSignal;
  /** Told after each window that was run. */
  readonly onWindow?: () => void;
}

/**
 * Probabilities [rows, axes] as the server computes them: on the CPU, each window alone and unpadded, the mean over a
 * text's windows. In int8 that matters: activations are rounded by their range over the whole input, padding included.
 */
export async function scoreAsServed(
  model: Model | string,
  { examples, task, batch, threads, stop, onWindow }: ServedTexts,
): Promise<Float64Array> {
  const session = await openInference(model, { device: 'cpu', threads });
  const options = { ...batch, batchSize: 1, alone: true, stop, onWindows: onWindow };
  try {
    return (await scoreSplit(session, examples, task, options)).probabilities;
  } finally {
    await session.dispose();
  }
}

/** The same texts, cut to their first window: where something is only ordered or chosen by them. */
export function firstWindows(texts: ServedTexts): ServedTexts {
  return { ...texts, batch: { ...texts.batch, maxWindows: 1 } };
}
