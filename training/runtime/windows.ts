import { availableParallelism } from 'node:os';
import type { GraphInput } from '../../src/bundle/index.ts';
import { AppError, messageOf } from '../../src/errors.ts';
import { onOneLine } from '../../src/files/index.ts';
import { encodeChunks } from '../onnx/codec/index.ts';
import type { Model } from '../onnx/model.ts';
import { batchFeeds } from './feeds.ts';
import { allowanceFor, openGuarded } from './guard/guarded-session.ts';
import type { PlainTensors } from './guard/protocol.ts';
import { openSession } from './session.ts';
import type { Tensors } from './state.ts';

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
  return windowsOf({
    inputs: session.inputMetadata,
    run: async (feeds, wanted) => await session.run(feeds, wanted),
    release: () => session.release(),
  });
}

/**
 * The same in a process of its own, for a model of unknown origin: AppError `model_invalid` where it takes more memory or time
 * than windows of so many tokens can.
 */
export async function openWindowsApart(model: Model, tokens: number): Promise<WindowSession> {
  const chunks = encodeChunks(model);
  const { bytes, seconds } = allowanceFor(chunks.reduce((sum, chunk) => sum + chunk.length, 0));
  // Attention of 32 heads at once, and a wide network's activations.
  const activations = 128 * tokens ** 2 + 200_000 * tokens;
  const allowance = { bytes: bytes + activations, seconds: seconds + Math.ceil(tokens / 100) };
  const threads = availableParallelism();
  const session = await openGuarded(chunks, { threads, allowance }).catch((cause: unknown) => {
    if (cause instanceof AppError) throw cause;
    const reason = onOneLine(messageOf(cause));
    throw new AppError('model_invalid', `onnxruntime cannot load the model: ${reason}`, { cause });
  });
  return windowsOf({
    inputs: session.inputs,
    run: (feeds, wanted) => session.run(feeds, wanted),
    release: () => session.release(),
  });
}

interface Session {
  readonly inputs: readonly GraphInput[];
  run(feeds: Tensors, wanted: readonly string[]): Promise<PlainTensors>;
  release(): Promise<void>;
}

function windowsOf(session: Session): WindowSession {
  const { inputs } = session;
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
