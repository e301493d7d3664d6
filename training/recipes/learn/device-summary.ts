import type { Config } from '../../../src/config/index.ts';
import { findDevice } from '../../runtime/index.ts';
import type { RunState } from '../run/state.ts';

/** The device that a run takes, and in float16 what that means on it. */
export function deviceSummary({ runtime }: Config): string {
  const { provider, note } = findDevice(runtime.device);
  const lines = [`device     ${note}`];
  if (runtime.precision === 'fp16') {
    const slower =
      ', a little slower than fp32 on the CPU: its kernels compute in float32, with casts';
    lines.push(`precision  fp16${provider === 'cpu' ? slower : ''}`);
  }
  return lines.join('\n');
}

/** For a run at its end that skipped any steps. */
export const skippedSummary = ({ step, skipped }: RunState): string =>
  `${skipped} of ${step} steps were skipped: their gradients overflowed float16`;
