import type { Dirent } from 'node:fs';
import { mkdir, open, readdir, readlink, rename, rm, stat } from 'node:fs/promises';

/** An open file: what is done with one to write it. */
export interface DiskFile {
  writev(pieces: readonly Uint8Array[]): Promise<{ readonly bytesWritten: number }>;
  sync(): Promise<void>;
  close(): Promise<void>;
}

/** The operations of a file system that writing takes. Tests have one that fails at any of them. */
export interface Disk {
  makeFolder(path: string): Promise<unknown>;
  open(path: string, flags: 'wx' | 'r' | 'r+'): Promise<DiskFile>;
  entries(folder: string): Promise<Dirent[]>;
  rename(from: string, to: string): Promise<void>;
  /** Whatever is there, also nothing. */
  remove(path: string): Promise<void>;
  /** undefined: there is nothing of this name. A device, a pipe, or what stands for one is `other`. */
  find(path: string): Promise<'file' | 'folder' | 'other' | undefined>;
}

export const realDisk: Disk = {
  makeFolder: (path) => mkdir(path, { recursive: true }),
  open: (path, flags) => open(path, flags),
  entries: (folder) => readdir(folder, { withFileTypes: true }),
  rename,
  remove: (path) => rm(path, { recursive: true, force: true }),
  find: async (path) => {
    try {
      // `/dev/stdout` is a link to a file of this process, which no other file may take the place of.
      const link = await readlink(path).catch(() => '');
      if (link.startsWith('/proc/')) return 'other';
      const found = await stat(path);
      if (found.isDirectory()) return 'folder';
      return found.isFile() ? 'file' : 'other';
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      // What a link points to may be gone.
      if (code === 'ENOENT' || code === 'ENOTDIR') return undefined;
      throw error;
    }
  },
};

/** Writes a new file and flushes it to the disk. */
export async function writeFlushed(
  disk: Disk,
  path: string,
  groups: AsyncIterable<readonly Uint8Array[]> | Iterable<readonly Uint8Array[]>,
): Promise<void> {
  const file = await disk.open(path, 'wx');
  try {
    for await (const group of groups) await writeAll(file, group);
    await file.sync();
  } finally {
    await file.close();
  }
}

async function writeAll(file: DiskFile, group: readonly Uint8Array[]): Promise<void> {
  let rest = group;
  while (rest.length > 0) {
    let { bytesWritten } = await file.writev(rest);
    const left: Uint8Array[] = [];
    for (const piece of rest) {
      if (bytesWritten < piece.length) left.push(piece.subarray(bytesWritten));
      bytesWritten = Math.max(0, bytesWritten - piece.length);
    }
    rest = left;
  }
}

async function flush(disk: Disk, path: string, flags: 'r' | 'r+'): Promise<void> {
  const file = await disk.open(path, flags);
  try {
    await file.sync();
  } finally {
    await file.close();
  }
}

/** File systems that flush folders by themselves, or not at all, refuse to be asked. */
const refusals = new Set(['EINVAL', 'ENOTSUP', 'ENOSYS', 'EISDIR', 'EBADF']);

/** What makes a rename last; Windows opens no folders and needs none of it. */
export async function flushFolder(disk: Disk, folder: string): Promise<void> {
  if (process.platform === 'win32') return;
  await flush(disk, folder, 'r').catch((error: NodeJS.ErrnoException) => {
    if (!refusals.has(error.code ?? '')) throw error;
  });
}

/** Flushes all that is in a folder, from the inside out. */
export async function flushAll(disk: Disk, folder: string): Promise<void> {
  for (const entry of await disk.entries(folder)) {
    const path = `${folder}/${entry.name}`;
    if (entry.isDirectory()) await flushAll(disk, path);
    else await flush(disk, path, 'r+');
  }
  await flushFolder(disk, folder);
}
