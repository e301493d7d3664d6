import { type FileHandle, open, stat } from 'node:fs/promises';
import { AppError } from '../../../src/errors.ts';

/** The most that one call reads. */
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
