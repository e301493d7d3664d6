import { randomBytes } from 'node:crypto';
import { type FileHandle, open, rename, rm, stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { AppError, writeError } from '../../../src/errors.ts';

/** The most that one read or write call takes. */
const pieceBytes = 2 ** 30;

const missing = (file: string, cause: unknown) =>
  new AppError('file_missing', `${file} does not exist or cannot be read`, {
    cause,
    hint: 'check the path',
  });

/** Opens a file for reading while `use` runs. Throws `file_missing`. */
export async function withFile<T>(
  file: string,
  use: (handle: FileHandle, size: number) => Promise<T>,
): Promise<T> {
  // Looked at before it is opened: opening a pipe waits for somebody to write to it.
  const found = await stat(file).catch(() => undefined);
  if (found && !found.isFile()) {
    const what = found.isDirectory() ? 'folder' : 'device or pipe';
    throw new AppError('file_missing', `${file} is a ${what}: expected a file`);
  }
  const handle = await open(file, 'r').catch((cause) => {
    throw missing(file, cause);
  });
  try {
    const { size } = await handle.stat();
    return await use(handle, size);
  } finally {
    await handle.close();
  }
}

function memoryFor(bytes: number): Uint8Array {
  try {
    return new Uint8Array(bytes);
  } catch (cause) {
    throw new AppError('model_invalid', `${bytes} bytes are more than can be read at once`, {
      cause,
    });
  }
}

/** `length` bytes from `offset`, however many. */
export async function readRange(
  handle: FileHandle,
  offset: number,
  length: number,
): Promise<Uint8Array> {
  const bytes = memoryFor(length);
  for (let done = 0; done < length; ) {
    const piece = Math.min(pieceBytes, length - done);
    const { bytesRead } = await handle.read(bytes, done, piece, offset + done);
    if (bytesRead === 0) throw new AppError('model_invalid', 'the file ended early');
    done += bytesRead;
  }
  return bytes;
}

/** Consecutive chunks grouped so that each group is one system call. */
function* groups(chunks: Iterable<Uint8Array>): Generator<Uint8Array[]> {
  let group: Uint8Array[] = [];
  let bytes = 0;
  for (const chunk of chunks) {
    for (let at = 0; at < chunk.length; at += pieceBytes) {
      const piece = chunk.subarray(at, at + pieceBytes);
      if (group.length >= 512 || bytes + piece.length > pieceBytes) {
        yield group;
        group = [];
        bytes = 0;
      }
      group.push(piece);
      bytes += piece.length;
    }
  }
  if (group.length > 0) yield group;
}

async function writeAll(handle: FileHandle, group: Uint8Array[]): Promise<void> {
  let rest = group;
  while (rest.length > 0) {
    let { bytesWritten } = await handle.writev(rest);
    const left: Uint8Array[] = [];
    for (const chunk of rest) {
      if (bytesWritten < chunk.length) left.push(chunk.subarray(bytesWritten));
      bytesWritten = Math.max(0, bytesWritten - chunk.length);
    }
    rest = left;
  }
}

/**
 * Writes files so that each appears whole or not at all: under temporary names beside them, synced, then
 * renamed in the given order. Nothing is concatenated. AppError `write_failed`.
 */
export async function writeFiles(
  files: readonly { readonly path: string; readonly chunks: Iterable<Uint8Array> }[],
): Promise<void> {
  const mark = randomBytes(6).toString('hex');
  const parts = files.map(({ path, chunks }) => ({
    path,
    chunks,
    temporary: join(dirname(path), `.${basename(path)}.${mark}.tmp`),
  }));
  try {
    for (const { temporary, chunks } of parts) await writeSynced(temporary, chunks);
    for (const { temporary, path } of parts) await rename(temporary, path);
  } catch (error) {
    await Promise.all(parts.map(({ temporary }) => rm(temporary, { force: true })));
    throw writeError(files[0]?.path ?? '', error);
  }
}

async function writeSynced(path: string, chunks: Iterable<Uint8Array>): Promise<void> {
  const handle = await open(path, 'wx');
  try {
    for (const group of groups(chunks)) await writeAll(handle, group);
    await handle.sync();
  } finally {
    await handle.close();
  }
}
