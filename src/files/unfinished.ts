import { createHash } from 'node:crypto';
import { existsSync, renameSync, rmSync } from 'node:fs';
import { hostname } from 'node:os';
import { basename, dirname, join } from 'node:path';
import type { Disk } from './disk.ts';
import { isRunning } from './is-running.ts';

/** Where something is written before it has its name, and where the older one waits until it has. */
export interface Unfinished {
  readonly target: string;
  readonly temporary: string;
  readonly old: string;
}

/** Numbers of processes mean something on their own machine alone. */
const host = createHash('sha256').update(hostname()).digest('hex').slice(0, 6);
const live = new Set<Unfinished>();
let count = 0;

/**
 * Names beside a file or folder, hidden and of this process alone, and what takes them back: a process that ends by
 * itself or by a signal in between removes what it had not finished. Whoever is killed leaves it, and the next one
 * who writes there removes it: `removeLeftovers`.
 */
export function begin(target: string): Unfinished {
  const name = `.${shortName(basename(target))}.${host}-${process.pid}-${count++}`;
  const beside = join(dirname(target), name);
  const unfinished = { target, temporary: `${beside}.tmp`, old: `${beside}.old` };
  if (live.size === 0) listen();
  live.add(unfinished);
  return unfinished;
}

export function end(unfinished: Unfinished): void {
  live.delete(unfinished);
  if (live.size === 0) unlisten();
}

/** File systems allow some 255 bytes. */
const shortName = (name: string): string => {
  const hash = createHash('sha256').update(name).digest('hex').slice(0, 12);
  return Buffer.byteLength(name) > 180 ? hash : name;
};

/** What ended processes have left of a file or folder. A folder that one of them had only moved aside is put back. */
export async function removeLeftovers(disk: Disk, target: string): Promise<void> {
  const folder = dirname(target);
  const begins = `.${shortName(basename(target))}.`;
  for (const { name } of await disk.entries(folder).catch(noneWhereHidden)) {
    if (!name.startsWith(begins) || !isLeftover(name.slice(begins.length))) continue;
    const path = join(folder, name);
    const isOnly = name.endsWith('.old') && (await disk.find(target)) === undefined;
    await (isOnly ? disk.rename(path, target) : disk.remove(path));
  }
}

/** A folder may be one to write to and not to list. */
function noneWhereHidden(error: NodeJS.ErrnoException): [] {
  if (error.code === 'EACCES') return [];
  throw error;
}

function isLeftover(end: string): boolean {
  const [, where, pid, number] = /^([0-9a-f]{6})-(\d+)-(\d+)\.(?:tmp|old)$/.exec(end) ?? [];
  if (where !== host) return false;
  if (Number(pid) !== process.pid) return !isRunning(Number(pid));
  // A container's processes are numbered anew: a number is ours only while it is being written.
  const own = `.${host}-${pid}-${number}.tmp`;
  return ![...live].some(({ temporary }) => temporary.endsWith(own));
}

const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

function listen(): void {
  process.on('exit', clear);
  for (const signal of signals) process.on(signal, stopped);
}

function unlisten(): void {
  process.off('exit', clear);
  for (const signal of signals) process.off(signal, stopped);
}

/** Ends as by the signal itself, unless the program does something else about it. */
function stopped(signal: NodeJS.Signals): void {
  if (process.listenerCount(signal) > 1) return;
  clear();
  unlisten();
  process.kill(process.pid, signal);
}

function clear(): void {
  for (const { target, temporary, old } of live) {
    try {
      if (existsSync(old) && !existsSync(target)) renameSync(old, target);
      rmSync(temporary, { recursive: true, force: true });
    } catch {
      // The next one who writes there removes it.
    }
  }
}
