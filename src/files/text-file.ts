import { isUtf8 } from 'node:buffer';
import { readFileSync, statSync } from 'node:fs';
import { AppError, type ErrorCode, messageOf } from '../errors.ts';
import { strangerOf } from './strangers.ts';

export interface TextFileOptions {
  /** What messages call the file: its path. */
  readonly name?: string;
  /** Of the error for a file that is not there: `file_missing`. */
  readonly missing?: ErrorCode;
  /** Of the error for a file that is not as it should be: `data_invalid`. */
  readonly invalid?: ErrorCode;
  /** Bytes that it may have: 128 MiB. */
  readonly limit?: number;
  /** What to do where it is not there. */
  readonly hint?: string;
}

const MIB = 2 ** 20;
const LIMIT = 128 * MIB;
const newline = 0x0a;

/**
 * The text of a UTF-8 file, without its byte order mark. AppError of the codes in the options, naming the file: where it
 * is not there, no regular file, too large, not UTF-8, or something else in its place.
 */
export function readTextFile(file: string, options: TextFileOptions = {}): string {
  const { name = file, invalid = 'data_invalid', limit = LIMIT } = options;
  const refuse = (problem: string, hint?: string): AppError =>
    new AppError(invalid, `${name} ${problem}`, hint === undefined ? {} : { hint });
  try {
    const found = statSync(file);
    if (!found.isFile()) {
      throw refuse(`is a ${found.isDirectory() ? 'folder' : 'device or pipe'}: expected a file`);
    }
    if (found.size > limit) {
      throw refuse(`has ${found.size} bytes: expected ${limit} at most`);
    }
    return decodeText(readFileSync(file), refuse);
  } catch (cause) {
    throw cause instanceof AppError ? cause : unreadable(name, cause, options);
  }
}

function unreadable(
  name: string,
  cause: unknown,
  { missing = 'file_missing', invalid = 'data_invalid', hint }: TextFileOptions,
): AppError {
  const { code } = cause as NodeJS.ErrnoException;
  const isMissing = code === 'ENOENT' || code === 'ENOTDIR';
  const why = isMissing ? 'does not exist' : `cannot be read: ${messageOf(cause)}`;
  return new AppError(isMissing ? missing : invalid, `${name} ${why}`, {
    cause,
    ...(hint !== undefined && isMissing ? { hint } : {}),
  });
}

type Refuse = (problem: string, hint?: string) => AppError;

const AS_UTF8 = 'save it as UTF-8';

function decodeText(bytes: Buffer, refuse: Refuse): string {
  const stranger = strangerOf(bytes);
  if (stranger) throw refuse(`is ${stranger.what}`, stranger.hint);
  const isUtf16 =
    (bytes[0] === 0xff && bytes[1] === 0xfe) ||
    (bytes[0] === 0xfe && bytes[1] === 0xff) ||
    (bytes.length > 1 && (bytes[0] === 0) !== (bytes[1] === 0));
  if (isUtf16) throw refuse('is UTF-16: expected UTF-8', AS_UTF8);
  if (!isUtf8(bytes)) {
    throw refuse(`is not UTF-8: line ${badLine(bytes)} holds bytes that are none`, AS_UTF8);
  }
  return bytes.toString('utf8').replace(/^\uFEFF/, '');
}

/** The number of the first line that is not UTF-8. */
function badLine(bytes: Buffer): number {
  for (let line = 1, at = 0; at < bytes.length; line++) {
    const end = bytes.indexOf(newline, at);
    const after = end < 0 ? bytes.length : end + 1;
    if (!isUtf8(bytes.subarray(at, after))) return line;
    at = after;
  }
  return 1;
}
