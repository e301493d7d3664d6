import type { Task } from '../../../src/task/index.ts';
import { windowCount } from '../../../src/text/index.ts';
import type { EvaluationOptions, TokenizedExample } from '../../data/index.ts';
import type { Model } from '../../onnx/model.ts';
import { openInference } from '../../runtime/index.ts';
import { scoreSplit } from '../split-scores.ts';

export interface ServedTexts {
  readonly examples: readonly TokenizedExample[];
  readonly task: Task;
  /** How the server cuts them. */
  readonly batch: Pick<EvaluationOptions, 'maxLength' | 'maxWindows' | 'tokenizer'>;
  /** Threads of one operator; 0: one for each core. */
  readonly threads: number;
  readonly stop?: AbortSignal;
}

/**
 * Probabilities [rows, axes] as the server computes them: on the CPU, each window alone and unpadded, the mean over a
 * text's windows. In int8 that matters: activations are rounded by their range over the whole input, padding included.
 */
export async function scoreAsServed(
  model: Model | string,
  { examples, task, batch, threads, stop }: ServedTexts,
): Promise<Float64Array> {
  const session = await openInference(model, { device: 'cpu', threads });
  const options = { ...batch, batchSize: 1, alone: true, ...(stop === undefined ? {} : { stop }) };
  try {
    return (await scoreSplit(session, examples, task, options)).probabilities;
  } finally {
    await session.dispose();
  }
}

/** The first texts, as many as have so many windows together at most; at least one. */
export function withinWindows(
  { examples, batch, ...rest }: ServedTexts,
  most: number,
): ServedTexts {
  let windows = 0;
  const past = examples.findIndex(({ ids }) => {
    windows += Math.min(windowCount(ids.length, batch.maxLength), batch.maxWindows);
    return windows > most;
  });
  const count = past < 0 ? examples.length : Math.max(past, 1);
  return { ...rest, batch, examples: examples.slice(0, count) };
}

/** The same texts, cut to their first window: where something is only ordered or chosen by them. */
export function firstWindows(texts: ServedTexts): ServedTexts {
  return { ...texts, batch: { ...texts.batch, maxWindows: 1 } };
}
