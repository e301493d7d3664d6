import { readFileSync } from 'node:fs';

/** Whether a process runs. One that has ended and whose parent has not asked about it does not. */
export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
  } catch {
    return false;
  }
  try {
    return !/\) [ZX] /.test(readFileSync(`/proc/${pid}/stat`, 'utf8'));
  } catch {
    // There is no such file on this system, or the process has just gone.
    return process.platform !== 'linux';
  }
}
