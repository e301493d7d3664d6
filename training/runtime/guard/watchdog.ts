import { writeSync } from 'node:fs';
import { parentPort, workerData } from 'node:worker_threads';
import type { Allowance } from './protocol.ts';

/** Milliseconds between two looks: what is taken in between is not seen. */
const EVERY_MS = 10;
const STANDARD_OUTPUT = 1;

const { allowance, parent } = workerData as { allowance: Allowance; parent: number };

/** Processor seconds of the whole process. */
const seconds = (): number => {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1e6;
};

let until = seconds() + allowance.seconds;
parentPort?.on('message', () => {
  until = seconds() + allowance.seconds;
});

function excess(): string | undefined {
  if (process.memoryUsage.rss() > allowance.bytes) {
    return `it takes more than ${Math.round(allowance.bytes / 2 ** 20)} MiB of memory`;
  }
  if (seconds() > until) return `it takes more than ${allowance.seconds} s of a processor`;
  return process.ppid === parent ? undefined : 'its parent is gone';
}

setInterval(() => {
  const problem = excess();
  if (problem === undefined) return;
  try {
    writeSync(STANDARD_OUTPUT, problem);
  } finally {
    // The main thread may be inside the runtime, where nothing else reaches it.
    process.kill(process.pid, 'SIGKILL');
  }
}, EVERY_MS);
