import { AppError } from '../../../src/errors.ts';

const SIGNALS = ['SIGINT', 'SIGTERM'] as const;

export interface StopSignal {
  readonly signal: AbortSignal;
  /** Gives the signals back to the process. */
  dispose(): void;
}

/**
 * Aborts at the first SIGINT or SIGTERM, so that training can stop after the current step; a second
 * one ends the process at once (exit code 130).
 */
export function stopOnSignals(process: NodeJS.Process, onStop: (name: string) => void): StopSignal {
  const controller = new AbortController();
  const stop = (name: NodeJS.Signals) => {
    if (controller.signal.aborted) process.exit(new AppError('interrupted', name).exitCode);
    controller.abort(new AppError('interrupted', `interrupted by ${name}`));
    onStop(name);
  };
  for (const name of SIGNALS) process.on(name, stop);
  return {
    signal: controller.signal,
    dispose: () => {
      for (const name of SIGNALS) process.off(name, stop);
    },
  };
}
