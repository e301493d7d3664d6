import { AppError } from '../../src/errors.ts';
import type { RemoteFile } from './client.ts';

const MIB = 2 ** 20;

/** The most bytes of the files that are read whole; others may have as many as the hub announces. */
const limits: readonly (readonly [file: RegExp, mib: number])[] = [
  [/(^|\/)tokenizer\.json$/, 64],
  [/\.index\.json$/, 32],
  [/(^|\/)tokenizer_config\.json$/, 16],
  [/\.json$/, 1],
];

/**
 * The bytes that a file may have: those that the hub announced. AppError `data_invalid` where these are more than such
 * a file can have, or where there is nothing that its size could be held against.
 */
export function mostBytes({ path, size }: RemoteFile): number {
  const mib = limits.find(([file]) => file.test(path))?.[1];
  if (mib !== undefined) {
    if (size !== undefined && size > mib * MIB) throw tooLarge(path, `${size} bytes`, mib);
    return size ?? mib * MIB;
  }
  if (size !== undefined) return size;
  throw new AppError('data_invalid', `the hub does not say how many bytes ${path} has`, {
    hint: 'check HF_ENDPOINT: a hub tells x-linked-size or content-length',
  });
}

/** More came than may. */
export function overflow(file: RemoteFile, most: number): AppError {
  if (file.size === undefined) return tooLarge(file.path, 'more', most / MIB);
  const message = `the hub sends more of ${file.path} than the ${file.size} bytes that it announced`;
  return new AppError('data_invalid', message, {
    hint: 'nothing of it is kept; check HF_ENDPOINT',
  });
}

const tooLarge = (path: string, size: string, mib: number): AppError =>
  new AppError('data_invalid', `${path} has ${size}: expected ${mib} MiB at most`, {
    hint: 'no model needs so large a file: check the name of the model',
  });
