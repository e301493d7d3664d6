import type { CompiledArtifacts } from '../artifacts/index.ts';
import { CpuExecutor } from './cpu-executor.ts';
import { providerOf } from './device.ts';
import type { Executor, SessionOptions } from './executor.ts';

export type { Executor, SessionOptions } from './executor.ts';
export { openInference } from './inference.ts';

/** Opens training artifacts on a device. AppError `device_unavailable`, `model_invalid`. */
export async function createExecutor(
  compiled: CompiledArtifacts,
  options: SessionOptions,
): Promise<Executor> {
  providerOf(options.device);
  return CpuExecutor.create(compiled, options);
}
