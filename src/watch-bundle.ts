import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { stampOf } from './engine/index.ts';

export interface WatchOptions {
  /** The folder's fingerprint from before the bundle that is served was read. */
  readonly known: string;
  readonly reload: () => Promise<unknown>;
  readonly intervalMs?: number;
}

/**
 * Looks at a folder every few moments and calls `reload` when its files have changed and then stayed
 * the same from one look to the next: a bundle that is still being copied is waited for, and one that
 * was refused is tried again only once it changes. It asks for names, not for events of an inode:
 * folders are replaced as a whole, links are turned, and network file systems send no events.
 * The function that it gives back ends it.
 */
export function watchBundle(
  dir: string,
  { known: first, reload, intervalMs = 2_000 }: WatchOptions,
): () => void {
  let known = first;
  let last: string | undefined;
  let isBusy = false;
  const look = async () => {
    const now = await fingerprint(dir);
    const isSettled = now === last;
    last = now;
    if (!isSettled || now === known) return;
    known = now;
    // It logs why it failed.
    await reload().catch(() => {});
  };
  const timer = setInterval(() => {
    if (isBusy) return;
    isBusy = true;
    void look().finally(() => {
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
