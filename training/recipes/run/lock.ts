import { mkdirSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { AppError, writeError } from '../../../src/errors.ts';
import { isRunning, readTextFile } from '../../../src/files/index.ts';

/** Releases the folder. */
export type Release = () => void;

/** Milliseconds between two signs of life of whoever has a folder. */
const BEAT = 5000;

/** How long a folder is watched for a sign, and how often, in milliseconds. */
const PATIENCE = { watch: 60_000, poll: 1000 };

export interface Patience {
  readonly say: (what: string) => void;
  readonly stop: AbortSignal;
}

/** Bytes: a number and the name of a machine. */
const LONGEST_LOCK = 1024;

const lockFile = (dir: string): string => join(dir, '.lock');

/**
 * Takes a run's folder for this process: two trainings must not write one run. The lock of a process that is gone
 * is taken over. AppError `usage` that names the process which has it.
 */
export function lockRun(dir: string, beat = BEAT): Release {
  const file = lockFile(dir);
  mkdirSync(dir, { recursive: true });
  for (let tries = 0; ; tries++) {
    try {
      const mine = `${process.pid} ${hostname()}\n`;
      writeFileSync(file, mine, { flag: 'wx' });
      return heldLock(file, mine, beat);
    } catch (cause) {
      if ((cause as NodeJS.ErrnoException).code !== 'EEXIST') throw writeError(file, cause);
    }
    const owner = readOwner(file);
    if (tries > 2 || (owner && isOwned(owner))) {
      throw new AppError('usage', `${dir} is in use by process ${owner?.pid} on ${owner?.host}`, {
        hint: `wait for it, name another run.name, or remove ${file} if that process is gone`,
      });
    }
    rmSync(file, { force: true });
  }
}

/** Signs of life until the lock is released; one that somebody else has taken over by then is left, and given none. */
function heldLock(file: string, mine: string, every: number): Release {
  const beat = setInterval(() => {
    try {
      if (textOf(file) === mine) utimesSync(file, new Date(), new Date());
    } catch {
      // It was removed by hand; the next one who wants the folder may have it.
    }
  }, every);
  beat.unref();
  return () => {
    clearInterval(beat);
    if (textOf(file) === mine) rmSync(file, { force: true });
  };
}

/**
 * As `lockRun`, but the lock of a process of another machine, which may be a container that was replaced, is watched
 * for signs of life, and taken over where it gives none. Throws the signal's reason when it is aborted.
 */
export async function lockRunPatiently(
  dir: string,
  { say, stop }: Patience,
  { watch, poll }: typeof PATIENCE = PATIENCE,
): Promise<Release> {
  const file = lockFile(dir);
  const owner = readOwner(file);
  if (owner && owner.host !== hostname()) {
    say(
      `${dir} was locked by process ${owner.pid} on ${owner.host}: waiting ${watch / 1000} seconds for a sign of life`,
    );
    // Only whether the time changes counts: clocks of two machines differ.
    const before = touchedAt(file);
    const until = performance.now() + watch;
    while (touchedAt(file) === before && performance.now() < until) {
      stop.throwIfAborted();
      await sleep(poll);
    }
    if (touchedAt(file) === before) rmSync(file, { force: true });
  }
  return lockRun(dir);
}

const touchedAt = (file: string): number | undefined =>
  statSync(file, { throwIfNoEntry: false })?.mtimeMs;

function textOf(file: string): string | undefined {
  try {
    return readTextFile(file, { limit: LONGEST_LOCK });
  } catch {
    return undefined;
  }
}

interface Owner {
  readonly pid: number;
  readonly host: string;
}

function readOwner(file: string): Owner | undefined {
  const [pid = '', host = ''] = (textOf(file) ?? '').trim().split(' ');
  return /^\d+$/.test(pid) ? { pid: Number(pid), host } : undefined;
}

/** Of another machine nobody can say: it counts as running. A container's processes are numbered anew. */
const isOwned = ({ pid, host }: Owner): boolean =>
  host !== hostname() || (pid !== process.pid && isRunning(pid));
