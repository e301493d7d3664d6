import { availableParallelism } from 'node:os';
import { encodeModel } from '../onnx/codec/index.ts';
import type { Model } from '../onnx/model.ts';
import { providerOf } from './device.ts';
import type { SessionOptions } from './executor.ts';
import { InferenceSession } from './onnxruntime.ts';

/** ONNX Runtime's severities. */
const severity = { warning: 2, error: 3 } as const;

/** A session of the stock runtime for a model, or for the file of one. */
export function openSession(
  model: Model | string,
  options: SessionOptions,
): Promise<InferenceSession> {
  const settings: InferenceSession.SessionOptions = {
    executionProviders: [providerOf(options.device)],
    intraOpNumThreads: options.threads || availableParallelism(),
    interOpNumThreads: 1,
    graphOptimizationLevel: 'all',
    logSeverityLevel: options.verbose ? severity.warning : severity.error,
  };
  return typeof model === 'string'
    ? InferenceSession.create(model, settings)
    : InferenceSession.create(encodeModel(model), settings);
}
