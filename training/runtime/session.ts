import { availableParallelism } from 'node:os';
import { AppError, messageOf } from '../../src/errors.ts';
import { nameShown } from '../../src/files/index.ts';
import { computesShapes, describeMisplaced, misplaced } from '../inspect/placement.ts';
import { decodeModel, encodeModel, readModel } from '../onnx/codec/index.ts';
import type { Graph } from '../onnx/graph.ts';
import type { Model } from '../onnx/model.ts';
import { inferGraph } from '../onnx/shapes/infer.ts';
import { type DeviceProvider, providerOf } from './device.ts';
import type { SessionOptions } from './executor.ts';
import { foldingLimit } from './folding.ts';
import { InferenceSession } from './onnxruntime.ts';

const HINT =
  'runtime.allow_cpu_fallback=true runs on the CPU what the device cannot; runtime.device=cpu runs everything there';

/** ONNX Runtime's severities. */
const severity = { warning: 2, error: 3, fatal: 4 } as const;

/** A model, the bytes of one, or the path of its file. */
type Source = Model | Uint8Array | string;

function modelOf(source: Source): Model | Promise<Model> {
  if (typeof source === 'string') return readModel(source);
  return source instanceof Uint8Array ? decodeModel(source) : source;
}

function describe(source: Source): string {
  if (typeof source === 'string') return source;
  return source instanceof Uint8Array ? 'the model' : `the graph ${nameShown(source.graph.name)}`;
}

/**
 * A session of the stock runtime for a model, for the bytes of one or for its file. On other devices than the CPU nothing may
 * fall to the CPU but the computing of shapes, unless the options allow it. AppError `model_invalid`,
 * `device_unavailable`.
 */
export async function openSession(
  model: Source,
  options: SessionOptions,
): Promise<InferenceSession> {
  const provider = providerOf(options.device);
  const settings: InferenceSession.SessionOptions = {
    executionProviders: [provider],
    intraOpNumThreads: options.threads || availableParallelism(),
    interOpNumThreads: 1,
    graphOptimizationLevel: 'all',
    // Plans of memory are made for each shape of batch and never reused by another: 0.55 GiB more, and no faster.
    enableMemPattern: false,
    extra: {
      ...foldingLimit,
      session: {
        // Threads that wait must not take the cores from those that work: on a shared machine spinning doubles a step.
        intra_op: { allow_spinning: '0' },
        ...(await fallbackOption(model, provider, options)),
      },
    },
    logSeverityLevel: severity[options.quiet ? 'fatal' : options.verbose ? 'warning' : 'error'],
  };
  try {
    if (typeof model === 'string') return await InferenceSession.create(model, settings);
    const bytes = model instanceof Uint8Array ? model : encodeModel(model);
    return await InferenceSession.create(bytes, settings);
  } catch (cause) {
    throw loadingError(model, provider, cause, options);
  }
}

/**
 * The runtime's own guard against falling back. It knows no exception for shapes, so a graph that computes any in
 * its main graph is held to the table of kernels alone.
 */
async function fallbackOption(
  model: Source,
  provider: DeviceProvider,
  { allow_cpu_fallback: allowed = false }: SessionOptions,
): Promise<{ disable_cpu_ep_fallback?: string }> {
  if (provider === 'cpu' || allowed) return {};
  const strict = { disable_cpu_ep_fallback: '1' };
  if (provider !== 'cuda' && provider !== 'webgpu') return strict;
  const { graph } = await modelOf(model);
  inferGraph(graph);
  requireKernels(graph, provider);
  return computesShapes(graph) ? {} : strict;
}

/** AppError `device_unavailable` that names every operator and type without a kernel. */
export function requireKernels(graph: Graph, provider: 'cuda' | 'webgpu'): void {
  const found = misplaced(graph, provider).map(describeMisplaced);
  if (found.length === 0) return;
  throw new AppError(
    'device_unavailable',
    `device ${provider} has no kernel for what the graph ${nameShown(graph.name)} does: ${found.join('; ')}`,
    { hint: HINT },
  );
}

function loadingError(
  model: Source,
  provider: DeviceProvider,
  cause: unknown,
  { allow_cpu_fallback: allowed }: SessionOptions,
): AppError {
  const what = describe(model);
  const reason = messageOf(cause);
  if (provider === 'cpu') {
    return new AppError('model_invalid', `onnxruntime cannot load ${what}: ${reason}`, { cause });
  }
  return new AppError(
    'device_unavailable',
    `device ${provider}: onnxruntime cannot load ${what} on it: ${reason}`,
    { cause, hint: allowed ? 'set runtime.device=cpu to train on the CPU' : HINT },
  );
}
