import { closeSync, createReadStream, openSync, readSync, type Stats, statSync } from 'node:fs';
import { AppError, messageOf } from '../errors.ts';
import { HEAD_BYTES, requireText } from './content.ts';

/** A file that can be read to its end. */
export interface OpenedFile {
  /** Bytes. */
  readonly size: number;
  readonly bytes: AsyncIterable<Buffer>;
}

/** Why a file cannot be read, by the system's error code. */
const reasons: Readonly<Record<string, string>> = {
  EACCES: 'you may not read it',
  EPERM: 'you may not read it',
  ELOOP: 'its links go in a circle',
};

/** AppError `file_missing`, or `data_invalid` for what is no file or may not be read. */
export function openFile(path: string, missingHint: string): OpenedFile {
  const found = lookAt(path);
  if (found === undefined) {
    throw new AppError('file_missing', `the file ${path} does not exist`, { hint: missingHint });
  }
  if (!found.isFile()) {
    throw new AppError('data_invalid', `${path} is ${kindOf(found)}: expected a file`, {
      hint: found.isDirectory()
        ? 'name the file inside'
        : 'write what it gives to a file first; mbti-predict reads standard input as -',
    });
  }
  return { size: found.size, bytes: bytesOf(path) };
}

/** Looks at how a file begins, before anything else is asked about it. AppError `data_invalid` where it is no text. */
export function requireTextFile(path: string): void {
  const head = Buffer.alloc(HEAD_BYTES);
  let length: number;
  try {
    const file = openSync(path, 'r');
    try {
      length = readSync(file, head);
    } finally {
      closeSync(file);
    }
  } catch (cause) {
    throw unreadable(path, cause);
  }
  requireText(head.subarray(0, length), path);
}

function lookAt(path: string): Stats | undefined {
  try {
    return statSync(path, { throwIfNoEntry: false });
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'ENOTDIR') return undefined;
    throw unreadable(path, cause);
  }
}

function kindOf(found: Stats): string {
  if (found.isDirectory()) return 'a folder';
  if (found.isFIFO()) return 'a pipe';
  return found.isSocket() ? 'a socket' : 'a device';
}

async function* bytesOf(path: string): AsyncGenerator<Buffer> {
  try {
    yield* createReadStream(path) as AsyncIterable<Buffer>;
  } catch (cause) {
    throw unreadable(path, cause);
  }
}

function unreadable(path: string, cause: unknown): AppError {
  const reason = reasons[(cause as NodeJS.ErrnoException).code ?? ''] ?? messageOf(cause);
  return new AppError('data_invalid', `${path} cannot be read: ${reason}`, { cause });
}
