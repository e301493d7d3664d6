import type { GraphInput } from '../../src/bundle/index.ts';
import type { Model } from '../onnx/model.ts';
import { batchFeeds } from './feeds.ts';
import { openSession } from './session.ts';

/** A classifier that scores one window at a time, as a server does. */
export interface WindowSession {
  readonly inputs: readonly GraphInput[];
  /** The logits of a window of ids. */
  run(ids: readonly number[]): Promise<{ dims: readonly number[]; data: Float32Array }>;
  dispose(): Promise<void>;
}

/** Opens a classifier on the CPU, which refuses rows that a table does not have. AppError `model_invalid`. */
export async function openWindows(model: Model | Uint8Array): Promise<WindowSession> {
  // Whatever goes wrong is told by an error; the runtime's own lines would only stand in its way.
  const session = await openSession(model, { device: 'cpu', threads: 0, quiet: true });
  const { inputMetadata: inputs } = session;
  return {
    inputs,
    run: async (ids) => {
      const batch = {
        size: 1,
        length: ids.length,
        inputIds: BigInt64Array.from(ids, BigInt),
        attentionMask: new BigInt64Array(ids.length).fill(1n),
        labels: new Float32Array(1),
      };
      const { labels: _, ...feeds } = batchFeeds(batch, inputs);
      const { logits } = await session.run(feeds, ['logits']);
      return { dims: logits?.dims ?? [], data: logits?.data as Float32Array };
    },
    dispose: () => session.release(),
  };
}
