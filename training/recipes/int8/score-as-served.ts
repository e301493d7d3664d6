import type { Task } from '../../../src/task/index.ts';
import { SPECIAL_TOKENS_PER_WINDOW } from '../../../src/text/index.ts';
import type { Batch, BatchOptions, TokenizedExample } from '../../data/index.ts';
import type { Model } from '../../onnx/model.ts';
import { batchFeeds } from '../../runtime/feeds.ts';
import type { InferenceSession } from '../../runtime/onnxruntime.ts';
import { openSession } from '../../runtime/session.ts';
import { allProbabilities } from '../split-scores.ts';

export interface ServedTexts {
  readonly examples: readonly TokenizedExample[];
  readonly task: Task;
  readonly batch: Omit<BatchOptions, 'batchSize'>;
  /** Threads of one operator; 0: one for each core. */
  readonly threads: number;
  readonly stop?: AbortSignal;
  /** Told after each text that was run. */
  readonly onText?: () => void;
}

/**
 * Probabilities [rows, axes] as the server computes them: on the CPU, each text alone and unpadded. In int8
 * that matters: activations are rounded by their range over the whole input, padding included.
 */
export async function scoreAsServed(
  model: Model | string,
  texts: ServedTexts,
): Promise<Float64Array> {
  const { examples, task, threads } = texts;
  const width = task.axes.length;
  const session = await openSession(model, { device: 'cpu', threads });
  try {
    const logits = new Float32Array(examples.length * width);
    await forEachText(texts, session, ['logits'], (results, row) => {
      logits.set(results.logits?.data as Float32Array, row * width);
    });
    return allProbabilities(task, logits);
  } finally {
    await session.release();
  }
}

/** Runs a session on each text alone. Throws the signal's reason when it is aborted. */
export async function forEachText(
  { examples, batch, stop, onText }: ServedTexts,
  session: InferenceSession,
  outputs: readonly string[],
  use: (results: InferenceSession.OnnxValueMapType, row: number) => void,
): Promise<void> {
  for (const [row, example] of examples.entries()) {
    stop?.throwIfAborted();
    const { labels: _, ...feeds } = batchFeeds(single(example, batch), session.inputMetadata);
    use(await session.run(feeds, [...outputs]), row);
    onText?.();
  }
}

/** One text cut to its first window. */
function single(
  { ids, labels }: TokenizedExample,
  { maxLength, tokenizer }: ServedTexts['batch'],
): Batch {
  const window = ids.subarray(0, maxLength - SPECIAL_TOKENS_PER_WINDOW);
  const all = [tokenizer.clsId, ...window, tokenizer.sepId];
  return {
    size: 1,
    length: all.length,
    inputIds: BigInt64Array.from(all, BigInt),
    attentionMask: new BigInt64Array(all.length).fill(1n),
    labels,
  };
}
