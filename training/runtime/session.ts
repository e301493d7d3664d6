import { availableParallelism } from 'node:os';
import { AppError } from '../../src/errors.ts';
import { encodeModel } from '../onnx/codec/index.ts';
import type { Model } from '../onnx/model.ts';
import { providerOf } from './device.ts';
import type { SessionOptions } from './executor.ts';
import { InferenceSession } from './onnxruntime.ts';

/** ONNX Runtime's severities. */
const severity = { warning: 2, error: 3 } as const;

/** A session of the stock runtime for a model, or for the file of one. AppError `model_invalid`. */
export async function openSession(
  model: Model | string,
  options: SessionOptions,
): Promise<InferenceSession> {
  const settings: InferenceSession.SessionOptions = {
    executionProviders: [providerOf(options.device)],
    intraOpNumThreads: options.threads || availableParallelism(),
    interOpNumThreads: 1,
    graphOptimizationLevel: 'all',
    // Threads that wait must not take the cores from those that work: on a shared machine spinning doubles a step.
    extra: { session: { intra_op: { allow_spinning: '0' } } },
    logSeverityLevel: options.verbose ? severity.warning : severity.error,
  };
  try {
    return typeof model === 'string'
      ? await InferenceSession.create(model, settings)
      : await InferenceSession.create(encodeModel(model), settings);
  } catch (cause) {
    const what = typeof model === 'string' ? model : `the graph "${model.graph.name}"`;
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new AppError('model_invalid', `onnxruntime cannot load ${what}: ${reason}`, { cause });
  }
}
