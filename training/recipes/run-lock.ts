import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { AppError, writeError } from '../../src/errors.ts';

/** Releases the folder. */
export type Release = () => void;

/**
 * Takes a run's folder for this process: two trainings must not write one run. The lock of a process that is gone
 * is taken over. AppError `usage` that names the process which has it.
 */
export function lockRun(dir: string): Release {
  const file = join(dir, '.lock');
  mkdirSync(dir, { recursive: true });
  for (let tries = 0; ; tries++) {
    try {
      writeFileSync(file, `${process.pid} ${hostname()}\n`, { flag: 'wx' });
      return () => rmSync(file, { force: true });
    } catch (cause) {
      if ((cause as NodeJS.ErrnoException).code !== 'EEXIST') throw writeError(file, cause);
    }
    const owner = readOwner(file);
    if (tries > 2 || (owner && isRunning(owner))) {
      throw new AppError('usage', `${dir} is in use by process ${owner?.pid} on ${owner?.host}`, {
        hint: `wait for it, name another run.name, or remove ${file} if that process is gone`,
      });
    }
    rmSync(file, { force: true });
  }
}

interface Owner {
  readonly pid: number;
  readonly host: string;
}

function readOwner(file: string): Owner | undefined {
  try {
    const [pid = '', host = ''] = readFileSync(file, 'utf8').trim().split(' ');
    return /^\d+$/.test(pid) ? { pid: Number(pid), host } : undefined;
  } catch {
    return undefined;
  }
}

/** Of another machine nobody can say: it counts as running. A container's processes are numbered anew. */
function isRunning({ pid, host }: Owner): boolean {
  if (host !== hostname()) return true;
  if (pid === process.pid) return false;
  try {
    process.kill(pid, 0);
    return !isZombie(pid);
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

/** Ended, but not yet waited for, as in a container whose first process waits for nobody (Linux). */
function isZombie(pid: number): boolean {
  try {
    return / [ZX] /.test(readFileSync(`/proc/${pid}/stat`, 'utf8').replace(/^.*\)/s, ''));
  } catch {
    return false;
  }
}
