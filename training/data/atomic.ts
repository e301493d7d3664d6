import { mkdir, open, readdir, rename, rm, stat } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { AppError, writeError } from '../../src/errors.ts';

/** Writes a file under a temporary name, flushes it to the disk and renames it. */
export async function writeFileAtomically(file: string, content: string): Promise<void> {
  const temporary = temporaryName(file);
  await mkdir(dirname(file), { recursive: true });
  try {
    await writeAndFlush(temporary, content);
    await rename(temporary, file);
  } catch (cause) {
    await rm(temporary, { force: true });
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
  const target = resolve(folder);
  const exists = await requireReplaceable(target, Object.keys(files));
  const temporary = temporaryName(target);
  const old = `${temporary}.old`;
  try {
    await mkdir(temporary, { recursive: true });
    for (const [name, content] of Object.entries(files)) {
      await writeAndFlush(join(temporary, name), content);
    }
    if (exists) await rename(target, old);
    await rename(temporary, target);
  } catch (cause) {
    await rm(temporary, { recursive: true, force: true });
    throw writeError(folder, cause);
  }
  await rm(old, { recursive: true, force: true });
}

async function requireReplaceable(folder: string, names: readonly string[]): Promise<boolean> {
  const found = await stat(folder).catch(() => undefined);
  if (!found) return false;
  const inside = found.isDirectory() ? await readdir(folder) : [folder];
  const foreign = inside.filter((name) => !names.includes(name));
  if (foreign.length === 0) return true;
  throw new AppError('usage', `${folder} holds other files (${foreign.slice(0, 3).join(', ')})`, {
    hint: 'name an empty or new folder',
  });
}

function temporaryName(file: string): string {
  return `${resolve(file)}.${process.pid}.tmp`;
}

async function writeAndFlush(file: string, content: string): Promise<void> {
  const handle = await open(file, 'w');
  try {
    await handle.writeFile(content);
    await handle.sync();
  } finally {
    await handle.close();
  }
}
