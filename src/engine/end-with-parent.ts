import { isMainThread, Worker, workerData } from 'node:worker_threads';
import { isRunning } from '../files/is-running.ts';

const LOOK_EVERY_MS = 500;

/** What the thread is told. */
interface Watch {
  readonly parent: number;
}

/**
 * Ends this process soon after its parent has ended, however it has, and whatever this process is at: in native code, or
 * in a loop, it hears nothing of a closed channel. A thread of its own looks after the parent.
 */
export function endWithParent(parent: number): void {
  const watch: Watch = { parent };
  const thread = new Worker(import.meta.filename, {
    workerData: watch,
    argv: [],
    execArgv: [],
    // It holds next to nothing.
    resourceLimits: { maxOldGenerationSizeMb: 16, maxYoungGenerationSizeMb: 1, stackSizeMb: 1 },
  });
  thread.on('error', (error) => process.emitWarning(error));
  thread.unref();
}

function look({ parent }: Watch): void {
  // Orphans get another parent, but on Windows.
  if (process.ppid === parent && isRunning(parent)) return;
  process.kill(process.pid, 'SIGKILL');
}

if (!isMainThread) {
  const watch: Watch = workerData;
  setInterval(() => look(watch), LOOK_EVERY_MS);
  look(watch);
}
