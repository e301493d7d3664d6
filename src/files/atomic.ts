import { mkdir, open, readdir, rename, rm, stat, writeFile } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { AppError, writeError } from '../errors.ts';

/** A text, or its pieces as they come. */
type Content = string | AsyncIterable<string>;

/** Writes a file under a temporary name, flushes it to the disk and renames it. */
export async function writeFileAtomically(file: string, content: Content): Promise<void> {
  const temporary = temporaryName(file);
  try {
    await mkdir(dirname(file), { recursive: true });
    await writeAndFlush(temporary, content);
    await rename(temporary, file);
  } catch (cause) {
    // Where there is no folder, there is nothing to take away.
    await rm(temporary, { force: true }).catch(() => {});
    throw writeError(file, cause);
  }
}

/**
 * Writes a folder of files that appears at once, or replaces an older one of the same files.
 * AppError `usage` where the folder holds anything else: it is then not ours to replace.
 */
export async function writeFolderAtomically(
  folder: string,
  files: Readonly<Record<string, string>>,
): Promise<void> {
  const requireOurs = (inside: readonly string[]): void => {
    const foreign = inside.filter((name) => !Object.hasOwn(files, name));
    if (foreign.length === 0) return;
    throw new AppError('usage', `${folder} holds other files (${foreign.slice(0, 3).join(', ')})`, {
      hint: 'name an empty or new folder',
    });
  };
  try {
    await replaceFolder(folder, requireOurs, async (temporary) => {
      for (const [name, content] of Object.entries(files)) {
        await writeFile(join(temporary, name), content);
      }
    });
  } catch (cause) {
    throw writeError(folder, cause);
  }
}

/**
 * Lets `fill` write a new folder beside `dir`, flushes it to the disk, and puts it in the place of
 * `dir`. Whatever fails, `dir` stays as it was.
 *
 * @param requireOurs throws where what `dir` holds (the names inside, or its whole path if it is a file) is
 *   not ours to replace
 */
export async function replaceFolder(
  dir: string,
  requireOurs: (inside: readonly string[]) => void,
  fill: (temporary: string) => Promise<void>,
): Promise<void> {
  const target = resolve(dir);
  const parent = dirname(target);
  const found = await stat(target).catch(() => undefined);
  if (found) requireOurs(found.isDirectory() ? await readdir(target) : [target]);
  await mkdir(parent, { recursive: true });
  const temporary = join(parent, `.${basename(target)}.${process.pid}.tmp`);
  const old = join(parent, `.${basename(target)}.${process.pid}.old`);
  await rm(temporary, { recursive: true, force: true });
  try {
    await mkdir(temporary);
    await fill(temporary);
    await flushFolders(temporary);
    await swap(temporary, target, found ? old : undefined);
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

function temporaryName(file: string): string {
  return `${resolve(file)}.${process.pid}.tmp`;
}

async function writeAndFlush(file: string, content: Content): Promise<void> {
  const handle = await open(file, 'w');
  try {
    await writeFile(handle, content);
    await handle.sync();
  } finally {
    await handle.close();
  }
}
