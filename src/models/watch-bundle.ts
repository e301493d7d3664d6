import { readdir } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { stampOf } from '../engine/index.ts';

export interface WatchOptions {
  /** The fingerprints of folders from before the bundles that are served were read. */
  readonly known: ReadonlyMap<string, string>;
  readonly reload: (folder: string) => Promise<unknown>;
  /** The first of a row of looks at which the folders cannot be told: nothing is reloaded meanwhile. */
  readonly onUnreadable?: (error: unknown) => void;
  readonly intervalMs?: number;
  /** For tests: what a folder looks like, and what calls for the next look until it is ended. */
  readonly look?: (folder: string) => Promise<string>;
  readonly every?: (milliseconds: number, call: () => void) => () => void;
}

function everyInterval(milliseconds: number, call: () => void): () => void {
  const timer = setInterval(call, milliseconds);
  timer.unref();
  return () => clearInterval(timer);
}

/**
 * Looks at folders every few moments and calls `reload` for one when its files have changed and then
 * stayed the same from one look to the next: a bundle that is still being copied is waited for, and one
 * that was refused is tried again only once it changes. It asks for names, not for events of an inode:
 * folders are replaced as a whole, links are turned, and network file systems send no events.
 * The function that it gives back ends it.
 */
export function watchFolders(
  folders: () => Promise<readonly string[]>,
  options: WatchOptions,
): () => void {
  const { known: first, reload, onUnreadable, intervalMs = 2_000 } = options;
  const { look: lookAt = fingerprint, every = everyInterval } = options;
  const known = new Map(first);
  const last = new Map<string, string>();
  let isBusy = false;
  let isUnreadable = false;
  const foldersNow = async () => {
    try {
      const now = await folders();
      isUnreadable = false;
      return now;
    } catch (error) {
      if (!isUnreadable) onUnreadable?.(error);
      isUnreadable = true;
      return [];
    }
  };
  const look = async (folder: string) => {
    const now = await lookAt(folder);
    const isSettled = now === last.get(folder);
    last.set(folder, now);
    if (!isSettled || now === known.get(folder)) return;
    known.set(folder, now);
    // It logs why it failed.
    await reload(folder).catch(() => {});
  };
  const lookAtAll = async () => {
    for (const folder of await foldersNow()) await look(folder);
  };
  return every(intervalMs, () => {
    if (isBusy) return;
    isBusy = true;
    void lookAtAll().finally(() => {
      isBusy = false;
    });
  });
}

/** The stamps of all that is in a folder, by absolute path; none where there is no such folder. */
export async function stampsIn(dir: string): Promise<ReadonlyMap<string, string>> {
  const folder = resolve(dir);
  const names = await readdir(folder, { recursive: true }).catch(() => []);
  const paths = names.map((name) => join(folder, name));
  return new Map(
    await Promise.all(paths.map(async (path) => [path, await stampOf(path)] as const)),
  );
}

/** Changes when any of the stamps does. */
export function fingerprintOf(stamps: ReadonlyMap<string, string>): string {
  return Array.from(stamps, ([path, stamp]) => `${path} ${stamp}`)
    .sort()
    .join('\n');
}

/** Changes when any file of the folder does. */
export async function fingerprint(dir: string): Promise<string> {
  return fingerprintOf(await stampsIn(dir));
}
