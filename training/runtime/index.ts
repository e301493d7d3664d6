import type { CompiledArtifacts } from '../artifacts/index.ts';
import { CpuExecutor } from './cpu-executor.ts';
import { findDevice } from './device.ts';
import type { Executor, SessionOptions } from './executor.ts';
import { LoopExecutor } from './loop-executor.ts';

export { findDevice } from './device.ts';
export type { Executor, SessionOptions } from './executor.ts';
export { openInference } from './inference.ts';
export { StepFailure } from './step-failure.ts';
export { trainSteps } from './steps.ts';

/**
 * Opens training artifacts on a device: on CUDA, where the state has to cross a bus, several steps make one
 * run. AppError `device_unavailable`, `model_invalid`.
 */
export async function createExecutor(
  compiled: CompiledArtifacts,
  options: SessionOptions,
): Promise<Executor> {
  const { provider } = findDevice(options.device);
  const executor = provider === 'cuda' ? LoopExecutor : CpuExecutor;
  return executor.create(compiled, { ...options, device: provider });
}
