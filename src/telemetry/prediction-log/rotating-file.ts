import { mkdir, open, readdir, rename, rm, stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

/** Lines that wait for a slow disk; beyond that they are dropped rather than kept in memory. */
const MOST_WAITING_BYTES = 8 * 1024 * 1024;

/** How often old files are looked for where nothing is written. */
const TIDY_EVERY_MS = 3_600_000;

const DAY_MS = 86_400_000;

/** What stands behind the name of a file that was put aside: `2026-11-24T19-55-05-123Z`. */
const stampFormat = /^\d{4}-\d\d-\d\dT\d\d-\d\d-\d\d-\d{3}Z$/;

/** What can fail: writing lines, which are lost then; putting a file aside; removing old ones. */
export type Duty = 'write' | 'put aside' | 'remove';

export interface RotatingFileOptions {
  readonly path: string;
  /** A file that would be longer is put aside first; so is one of another day (UTC). */
  readonly maxBytes: number;
  /** Files put aside that are kept, the latest. */
  readonly keepFiles: number;
  /** Days after which a file that was put aside is removed. */
  readonly keepDays: number;
  /** The first of a row of failures. */
  readonly onError: (duty: Duty, error: Error) => void;
  /** The end of a row of failures. */
  readonly onRecovery?: (duty: Duty) => void;
}

/**
 * A file that lines are appended to in the background, in order. Lines that cannot be written are lost, and
 * counted. A file that cannot be put aside is written on. What is no regular file (a pipe, a device) is only written.
 */
export class RotatingFile {
  readonly #options: RotatingFileOptions;
  readonly #timer: NodeJS.Timeout;
  #waiting: string[] = [];
  #waitingBytes = 0;
  #work: Promise<void>;
  readonly #failing = new Set<Duty>();
  /** Whether the file may end in the middle of a line: one that was broken off, here or by a crash. */
  #mayBeBroken = true;
  #lost = 0;

  constructor(options: RotatingFileOptions) {
    this.#options = options;
    this.#timer = setInterval(() => this.#enqueue(() => this.#tidy()), TIDY_EVERY_MS).unref();
    this.#work = this.#tidy();
    this.#enqueue(() => this.#attempt('write', () => this.#tryToOpen()));
  }

  /** Lines that were taken and not written. */
  get lost(): number {
    return this.#lost;
  }

  /** Takes a line, without its end. It never throws and never waits. */
  append(line: string): void {
    const bytes = Buffer.byteLength(line) + 1;
    if (this.#waitingBytes + bytes > MOST_WAITING_BYTES) {
      this.#lost += 1;
      this.#failed('write', new Error('the disk is too slow: lines are dropped'));
      return;
    }
    this.#waitingBytes += bytes;
    this.#waiting.push(`${line}\n`);
    if (this.#waiting.length === 1) this.#enqueue(() => this.#write());
  }

  /** Resolves when every line that was taken is written, or lost. */
  async close(): Promise<void> {
    clearInterval(this.#timer);
    await this.#work;
  }

  /** `work` does not throw. */
  #enqueue(work: () => Promise<void>): void {
    this.#work = this.#work.then(work);
  }

  async #attempt(duty: Duty, work: () => Promise<void>): Promise<void> {
    try {
      await work();
      if (this.#failing.delete(duty)) this.#options.onRecovery?.(duty);
    } catch (error) {
      this.#failed(duty, error instanceof Error ? error : new Error(String(error)));
    }
  }

  #failed(duty: Duty, error: Error): void {
    if (!this.#failing.has(duty)) this.#options.onError(duty, error);
    this.#failing.add(duty);
  }

  /** A file that cannot be written is told of before the first line is lost. */
  async #tryToOpen(): Promise<void> {
    const { path } = this.#options;
    await mkdir(dirname(path), { recursive: true });
    const found = await statOf(path);
    // To open a pipe is to wait for its reader.
    if (found && !found.isFile() && !found.isDirectory()) return;
    await (await open(path, 'a', 0o600)).close();
  }

  async #write(): Promise<void> {
    const lines = this.#waiting;
    this.#waiting = [];
    this.#waitingBytes = 0;
    await this.#tidy();
    let left: readonly string[] = lines;
    await this.#attempt('write', async () => {
      while (left.length > 0) {
        const { written, error } = await this.#writeSome(left);
        left = left.slice(written);
        if (error !== undefined) throw error;
      }
    });
    this.#lost += left.length;
  }

  /** Writes as many lines as the file has room for, at least one. */
  async #writeSome(lines: readonly string[]): Promise<Written> {
    const { path, maxBytes } = this.#options;
    let size = (await statOf(path))?.size ?? 0;
    if (size > 0 && size + Buffer.byteLength(lines[0] ?? '') > maxBytes) {
      await this.#attempt('put aside', () => this.#putAside());
      await this.#attempt('remove', () => this.#removeOld());
      size = 0;
    }
    let count = 0;
    for (const line of lines) {
      size += Buffer.byteLength(line);
      if (count > 0 && size > maxBytes) break;
      count += 1;
    }
    return this.#append(lines.slice(0, count));
  }

  async #append(block: readonly string[]): Promise<Written> {
    const { path } = this.#options;
    await mkdir(dirname(path), { recursive: true });
    const begin = this.#mayBeBroken && (await isBroken(path)) ? '\n' : '';
    const bytes = Buffer.from(begin + block.join(''));
    const file = await open(path, 'a', 0o600);
    let done = 0;
    try {
      while (done < bytes.length) done += (await file.write(bytes, done)).bytesWritten;
      this.#mayBeBroken = false;
      return { written: block.length };
    } catch (error) {
      // A disk that is full takes the first lines of a block.
      this.#mayBeBroken = true;
      const taken = bytes.subarray(begin.length, done).toString('latin1').split('\n');
      return { written: Math.max(0, taken.length - 1), error };
    } finally {
      await file.close();
    }
  }

  /** Puts a file of another day aside, and removes what is too old. */
  async #tidy(): Promise<void> {
    if (await this.#isOfAnotherDay()) await this.#attempt('put aside', () => this.#putAside());
    await this.#attempt('remove', () => this.#removeOld());
  }

  async #isOfAnotherDay(): Promise<boolean> {
    // A file that cannot even be looked at cannot be written either, and that is told of.
    const last = await statOf(this.#options.path).catch(() => undefined);
    return last !== undefined && dayOf(last.mtimeMs) !== dayOf(Date.now());
  }

  async #putAside(): Promise<void> {
    const { path } = this.#options;
    if (!(await statOf(path))?.isFile()) return;
    let aside = `${path}.${stamp()}`;
    while (await statOf(aside)) {
      await sleep(1);
      aside = `${path}.${stamp()}`;
    }
    await rename(path, aside);
  }

  async #removeOld(): Promise<void> {
    const { path, keepFiles, keepDays } = this.#options;
    const folder = dirname(path);
    const prefix = `${basename(path)}.`;
    const aside = ((await unlessMissing(readdir(folder))) ?? [])
      .filter((name) => name.startsWith(prefix) && stampFormat.test(name.slice(prefix.length)))
      .sort();
    const oldest = `${prefix}${stamp(Date.now() - keepDays * DAY_MS)}`;
    const isOld = (name: string, i: number) => i < aside.length - keepFiles || name < oldest;
    for (const name of aside.filter(isOld)) await rm(join(folder, name), { force: true });
  }
}

/** How many lines of a block are in the file, whole, and why no more are. */
interface Written {
  readonly written: number;
  readonly error?: unknown;
}

/** Undefined for what is not there; anything else that goes wrong is an error. */
async function unlessMissing<T>(found: Promise<T>): Promise<T | undefined> {
  return found.catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT' || error.code === 'ENOTDIR') return undefined;
    throw error;
  });
}

function statOf(path: string) {
  return unlessMissing(stat(path));
}

/** Whether a regular file ends in the middle of a line. */
async function isBroken(path: string): Promise<boolean> {
  const found = await statOf(path);
  if (!found?.isFile() || found.size === 0) return false;
  const file = await open(path, 'r');
  try {
    const { buffer } = await file.read(Buffer.alloc(1), 0, 1, found.size - 1);
    return buffer.toString() !== '\n';
  } finally {
    await file.close();
  }
}

function stamp(at: number = Date.now()): string {
  return new Date(at).toISOString().replace(/[:.]/g, '-');
}

function dayOf(at: number): number {
  return Math.floor(at / DAY_MS);
}
