import type { Batch } from '../data/index.ts';
import type { Model } from '../onnx/model.ts';
import type { Executor, SessionOptions } from './executor.ts';
import { batchFeeds, requireKnownInputs } from './feeds.ts';
import { openSession } from './session.ts';

/** A finished classifier, without its training graphs. */
export type InferenceExecutor = Pick<Executor, 'evaluate' | 'dispose'>;

/**
 * Opens a classifier or its `.onnx` file: the encoder's inputs, output `logits` [batch, labels].
 * AppError `device_unavailable`, `model_invalid`.
 */
export async function openInference(
  model: Model | string,
  options: SessionOptions,
): Promise<InferenceExecutor> {
  const session = await openSession(model, options);
  requireKnownInputs(session.inputMetadata);
  return {
    evaluate: async (batch: Batch) => {
      const { labels: _, ...feeds } = batchFeeds(batch, session.inputMetadata);
      const results = await session.run(feeds, ['logits']);
      const logits = results.logits?.data as Float32Array;
      return { loss: meanLoss(logits, batch.labels), logits };
    },
    dispose: () => session.release(),
  };
}

/** Binary cross-entropy with logits x of labels y, the mean over all elements. */
function meanLoss(logits: Float32Array, labels: Float32Array): number {
  let sum = 0;
  for (const [i, x] of logits.entries()) {
    const y = labels[i] ?? 0;
    sum += Math.max(x, 0) - x * y + Math.log1p(Math.exp(-Math.abs(x)));
  }
  return sum / logits.length;
}
