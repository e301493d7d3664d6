import { appendFile, mkdir, readdir, rename, rm, stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

/** Lines that wait for a slow disk; beyond that they are dropped rather than kept in memory. */
const MOST_WAITING_BYTES = 8 * 1024 * 1024;

/** How often old files are looked for where nothing is written. */
const TIDY_EVERY_MS = 3_600_000;

const DAY_MS = 86_400_000;

/** What stands behind the name of a file that was put aside: `2026-11-24T19-55-05-123Z`. */
const stampFormat = /^\d{4}-\d\d-\d\dT\d\d-\d\d-\d\d-\d{3}Z$/;

export interface RotatingFileOptions {
  readonly path: string;
  /** A file that would be longer is put aside first; so is one of another day (UTC). */
  readonly maxBytes: number;
  /** Files put aside that are kept, the latest. */
  readonly keepFiles: number;
  /** Days after which a file that was put aside is removed. */
  readonly keepDays: number;
  /** The first of a row of failures; lines are dropped until writing works again. */
  readonly onError: (error: Error) => void;
}

/** A file that lines are appended to in the background, in order. */
export class RotatingFile {
  readonly #options: RotatingFileOptions;
  readonly #timer: NodeJS.Timeout;
  #waiting: string[] = [];
  #waitingBytes = 0;
  #work: Promise<void> = Promise.resolve();
  #isFailing = false;

  constructor(options: RotatingFileOptions) {
    this.#options = options;
    this.#timer = setInterval(() => this.#enqueue(() => this.#tidy()), TIDY_EVERY_MS).unref();
    this.#enqueue(() => this.#tidy());
  }

  /** Takes a line, without its end. It never throws and never waits. */
  append(line: string): void {
    const bytes = Buffer.byteLength(line) + 1;
    if (this.#waitingBytes + bytes > MOST_WAITING_BYTES) {
      this.#fail(new Error('the disk is too slow: lines are dropped'));
      return;
    }
    this.#waitingBytes += bytes;
    this.#waiting.push(`${line}\n`);
    if (this.#waiting.length === 1) this.#enqueue(() => this.#write());
  }

  /** Resolves when every line that was taken is written, or dropped. */
  async close(): Promise<void> {
    clearInterval(this.#timer);
    await this.#work;
  }

  #enqueue(work: () => Promise<void>): void {
    this.#work = this.#work.then(work).then(
      () => {},
      (error: unknown) => this.#fail(error instanceof Error ? error : new Error(String(error))),
    );
  }

  #fail(error: Error): void {
    if (!this.#isFailing) this.#options.onError(error);
    this.#isFailing = true;
  }

  async #write(): Promise<void> {
    const lines = this.#waiting;
    this.#waiting = [];
    this.#waitingBytes = 0;
    await this.#tidy();
    const { path, maxBytes } = this.#options;
    let size = (await stat(path).catch(() => undefined))?.size ?? 0;
    let block: string[] = [];
    for (const line of lines) {
      const bytes = Buffer.byteLength(line);
      if (size > 0 && size + bytes > maxBytes) {
        await this.#append(block);
        await this.#putAside();
        block = [];
        size = 0;
      }
      block.push(line);
      size += bytes;
    }
    await this.#append(block);
    this.#isFailing = false;
  }

  async #append(block: readonly string[]): Promise<void> {
    if (block.length === 0) return;
    const { path } = this.#options;
    await mkdir(dirname(path), { recursive: true });
    await appendFile(path, block.join(''), { mode: 0o600 });
  }

  /** Puts a file of another day aside, and removes what is too old. */
  async #tidy(): Promise<void> {
    const last = await stat(this.#options.path).catch(() => undefined);
    if (last && dayOf(last.mtimeMs) !== dayOf(Date.now())) await this.#putAside();
    else await this.#removeOld();
  }

  async #putAside(): Promise<void> {
    const { path } = this.#options;
    let aside = `${path}.${stamp()}`;
    while (await stat(aside).catch(() => undefined)) {
      await sleep(1);
      aside = `${path}.${stamp()}`;
    }
    await rename(path, aside);
    await this.#removeOld();
  }

  async #removeOld(): Promise<void> {
    const { path, keepFiles, keepDays } = this.#options;
    const folder = dirname(path);
    const prefix = `${basename(path)}.`;
    const aside = (await readdir(folder).catch(() => []))
      .filter((name) => name.startsWith(prefix) && stampFormat.test(name.slice(prefix.length)))
      .sort();
    const oldest = `${prefix}${stamp(Date.now() - keepDays * DAY_MS)}`;
    const isOld = (name: string, i: number) => i < aside.length - keepFiles || name < oldest;
    for (const name of aside.filter(isOld)) await rm(join(folder, name), { force: true });
  }
}

function stamp(at: number = Date.now()): string {
  return new Date(at).toISOString().replace(/[:.]/g, '-');
}

function dayOf(at: number): number {
  return Math.floor(at / DAY_MS);
}
