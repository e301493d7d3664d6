import { mkdir, open, readdir, rename, rm, stat } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { MANIFEST_FILE } from '../../src/bundle/index.ts';
import { AppError } from '../../src/errors.ts';

/**
 * Lets `fill` write a new folder beside `dir`, flushes it to the disk, and puts it in the place of
 * `dir`. Whatever fails, `dir` stays as it was. AppError `usage` where `dir` holds something that
 * is no bundle: it is then not ours to replace.
 */
export async function replaceFolder(
  dir: string,
  fill: (temporary: string) => Promise<void>,
): Promise<void> {
  const target = resolve(dir);
  const parent = dirname(target);
  const existing = await requireReplaceable(dir, target);
  await mkdir(parent, { recursive: true });
  const temporary = join(parent, `.${basename(target)}.${process.pid}.tmp`);
  const old = join(parent, `.${basename(target)}.${process.pid}.old`);
  await rm(temporary, { recursive: true, force: true });
  try {
    await mkdir(temporary);
    await fill(temporary);
    await flushFolders(temporary);
    await swap(temporary, target, existing ? old : undefined);
  } catch (error) {
    await rm(temporary, { recursive: true, force: true });
    throw error;
  }
  await flushFolder(parent);
  await rm(old, { recursive: true, force: true });
}

async function swap(temporary: string, target: string, old: string | undefined): Promise<void> {
  if (old !== undefined) await rename(target, old);
  try {
    await rename(temporary, target);
  } catch (error) {
    if (old !== undefined) await rename(old, target);
    throw error;
  }
}

async function requireReplaceable(dir: string, target: string): Promise<boolean> {
  const found = await stat(target).catch(() => undefined);
  if (!found) return false;
  const names = found.isDirectory() ? await readdir(target) : undefined;
  if (names && (names.length === 0 || names.includes(MANIFEST_FILE))) return true;
  throw new AppError('usage', `${dir} is there and is no model bundle: it is not replaced`, {
    hint: 'name another folder with model.out=DIR, or move that one away',
  });
}

async function flushFolders(folder: string): Promise<void> {
  for (const entry of await readdir(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) await flushFolders(path);
    else await flush(path, 'r+');
  }
  await flushFolder(folder);
}

/** What makes a rename last; Windows opens no folders and needs none of it. */
async function flushFolder(folder: string): Promise<void> {
  if (process.platform !== 'win32') await flush(folder, 'r');
}

async function flush(path: string, flags: string): Promise<void> {
  const handle = await open(path, flags);
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}
