import { dirname, join, resolve } from 'node:path';
import { AppError, writeError } from '../errors.ts';
import { type Disk, flushAll, flushFolder, realDisk, writeFlushed } from './disk.ts';
import { begin, end, removeLeftovers, type Unfinished } from './unfinished.ts';

/** What a file holds: a text, its pieces as they come, or bytes. Nothing is put together in memory. */
export type Content = string | AsyncIterable<string> | Iterable<Uint8Array>;

export interface FileToWrite {
  readonly path: string;
  readonly content: Content;
}

/** Writes a file, and its folder, under a temporary name, flushes it and renames it. AppError `write_failed`. */
export async function writeFileAtomically(
  path: string,
  content: Content,
  disk: Disk = realDisk,
): Promise<void> {
  try {
    await requireReplaceable(disk, resolve(path));
    await disk.makeFolder(dirname(resolve(path)));
  } catch (cause) {
    throw writeError(path, cause);
  }
  await writeFilesAtomically([{ path, content }], disk);
}

/**
 * Writes files so that each appears whole or not at all: under temporary names beside them, flushed to the disk, then
 * renamed in the given order. Whatever fails, all of them are as they were; only a machine that stops between two
 * renames leaves the first of the files new and the others old. Their folders must be there. AppError `write_failed`;
 * those of a content pass through.
 */
export async function writeFilesAtomically(
  files: readonly FileToWrite[],
  disk: Disk = realDisk,
): Promise<void> {
  const parts = files.map(({ path, content }) => ({ content, place: begin(resolve(path)) }));
  const places = parts.map(({ place }) => place);
  try {
    for (const { target } of places) await requireReplaceable(disk, target);
    for (const { target } of places) await removeLeftovers(disk, target);
    for (const { content, place } of parts) {
      await writeFlushed(disk, place.temporary, groups(content));
    }
    await putInPlace(disk, places);
    for (const folder of foldersOf(places)) await flushFolder(disk, folder);
  } catch (cause) {
    for (const { temporary } of places) await disk.remove(temporary).catch(ignored);
    throw writeError(files[0]?.path ?? '', cause);
  } finally {
    for (const place of places) end(place);
  }
}

/** A device or a pipe is no place for a file: root would put one in the place of `/dev/null`. */
async function requireReplaceable(disk: Disk, target: string): Promise<void> {
  if ((await disk.find(target)) !== 'other') return;
  throw new AppError('usage', `${target} is a device or a pipe: expected the name of a file`, {
    hint: 'write to a file, and read that',
  });
}

const foldersOf = (places: readonly Unfinished[]): Set<string> =>
  new Set(places.map(({ target }) => dirname(target)));

/** Where there is nothing, or no disk any more, there is nothing to take away: the first failure is what is told. */
const ignored = (): void => {};

/** All of them, or none: those before one that fails are put back. */
async function putInPlace(disk: Disk, places: readonly Unfinished[]): Promise<void> {
  const undo: (() => Promise<void>)[] = [];
  try {
    for (const [i, { temporary, target, old }] of places.entries()) {
      // The last one, as an only one, takes the older one's place at once: nothing can fail behind it.
      const isLast = i === places.length - 1;
      if (!isLast && (await disk.find(target))) {
        await disk.rename(target, old);
        undo.push(() => disk.rename(old, target));
      } else if (!isLast) undo.push(() => disk.remove(target));
      await disk.rename(temporary, target);
    }
  } catch (error) {
    for (const step of undo.reverse()) await step().catch(ignored);
    throw error;
  }
  for (const { old } of places.slice(0, -1)) await disk.remove(old).catch(ignored);
}

/** Bytes and pieces of one call to the system; Linux takes 1024 pieces and 2 GiB. */
const MOST_BYTES = 2 ** 30;
const MOST_PIECES = 512;
const PIECE_OF_TEXT = 2 ** 16;

async function* groups(content: Content): AsyncGenerator<readonly Uint8Array[]> {
  let group: Uint8Array[] = [];
  let bytes = 0;
  for await (const whole of typeof content === 'string' ? [content] : pieces(content)) {
    const chunk = typeof whole === 'string' ? Buffer.from(whole) : whole;
    for (let at = 0; at < chunk.length; at += MOST_BYTES) {
      const piece = chunk.subarray(at, at + MOST_BYTES);
      if (group.length >= MOST_PIECES || bytes + piece.length > MOST_BYTES) {
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

/** Pieces of text, which may be short and many, together. */
async function* pieces(
  content: AsyncIterable<string> | Iterable<Uint8Array>,
): AsyncGenerator<string | Uint8Array> {
  let text = '';
  for await (const piece of content) {
    if (typeof piece !== 'string') yield piece;
    else text += piece;
    if (text.length < PIECE_OF_TEXT) continue;
    yield text;
    text = '';
  }
  if (text !== '') yield text;
}

/**
 * Writes a folder of files that appears at once, or replaces an older one of the same files.
 * AppError `usage` where the folder holds anything else: it is then not ours to replace.
 */
export async function writeFolderAtomically(
  folder: string,
  files: Readonly<Record<string, string>>,
  disk: Disk = realDisk,
): Promise<void> {
  const requireOurs = (inside: readonly string[]): void => {
    const foreign = inside.filter((name) => !Object.hasOwn(files, name));
    if (foreign.length === 0) return;
    throw new AppError('usage', `${folder} holds other files (${foreign.slice(0, 3).join(', ')})`, {
      hint: 'name an empty or new folder',
    });
  };
  const fill = async (temporary: string) => {
    for (const [name, content] of Object.entries(files)) {
      await writeFlushed(disk, join(temporary, name), groups(content));
    }
  };
  try {
    await replaceFolder(folder, requireOurs, fill, disk);
  } catch (cause) {
    throw writeError(folder, cause);
  }
}

/**
 * Lets `fill` write a new folder beside `dir`, flushes it to the disk, and puts it in the place of
 * `dir`. Whatever fails, `dir` stays as it was. A machine that stops in the moment between two renames leaves `dir`
 * under a hidden name beside it; whoever writes it next puts it back first.
 *
 * @param requireOurs throws where what `dir` holds (the names inside, or its whole path if it is a file) is
 *   not ours to replace
 */
export async function replaceFolder(
  dir: string,
  requireOurs: (inside: readonly string[]) => void,
  fill: (temporary: string) => Promise<void>,
  disk: Disk = realDisk,
): Promise<void> {
  const place = begin(resolve(dir));
  const { target, temporary, old } = place;
  const parent = dirname(target);
  try {
    await disk.makeFolder(parent);
    await removeLeftovers(disk, target);
    const found = await disk.find(target);
    if (found) requireOurs(found === 'folder' ? await namesIn(disk, target) : [target]);
    await disk.makeFolder(temporary);
    await fill(temporary);
    await flushAll(disk, temporary);
    await swap(disk, place, found !== undefined);
    await flushFolder(disk, parent).finally(() => disk.remove(old).catch(ignored));
  } catch (error) {
    await disk.remove(temporary).catch(ignored);
    throw error;
  } finally {
    end(place);
  }
}

const namesIn = async (disk: Disk, folder: string): Promise<string[]> =>
  (await disk.entries(folder)).map(({ name }) => name);

async function swap(disk: Disk, { target, temporary, old }: Unfinished, isThere: boolean) {
  if (isThere) await disk.rename(target, old);
  try {
    await disk.rename(temporary, target);
  } catch (error) {
    // What could not be put back is, when the folder is written next.
    if (isThere) await disk.rename(old, target).catch(ignored);
    throw error;
  }
}
