import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { stampOf } from './engine/index.ts';

export interface WatchOptions {
  /** The fingerprints of folders from before the bundles that are served were read. */
  readonly known: ReadonlyMap<string, string>;
  readonly reload: (folder: string) => Promise<unknown>;
  readonly intervalMs?: number;
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
  { known: first, reload, intervalMs = 2_000 }: WatchOptions,
): () => void {
  const known = new Map(first);
  const last = new Map<string, string>();
  let isBusy = false;
  const look = async (folder: string) => {
    const now = await fingerprint(folder);
    const isSettled = now === last.get(folder);
    last.set(folder, now);
    if (!isSettled || now === known.get(folder)) return;
    known.set(folder, now);
    // It logs why it failed.
    await reload(folder).catch(() => {});
  };
  const lookAtAll = async () => {
    for (const folder of await folders()) await look(folder);
  };
  const timer = setInterval(() => {
    if (isBusy) return;
    isBusy = true;
    void lookAtAll().finally(() => {
      isBusy = false;
    });
  }, intervalMs);
  timer.unref();
  return () => clearInterval(timer);
}

/** Changes when any file of the folder does. */
export async function fingerprint(dir: string): Promise<string> {
  const names = await readdir(dir, { recursive: true }).catch(() => []);
  const stamps = await Promise.all(names.map((name) => stampOf(join(dir, name))));
  return names
    .map((name, i) => `${name} ${stamps[i]}`)
    .sort()
    .join('\n');
}
