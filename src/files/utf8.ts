import { isUtf8 } from 'node:buffer';
import { AppError } from '../errors.ts';
import { LineCounter, lineEnds } from './line-counter.ts';
import { shown } from './shown.ts';

/** The bytes of a record that was not too long to be kept. */
export interface RecordBytes {
  /** Where it begins, from 1. */
  readonly line: number;
  /** undefined where it is longer than the limit. */
  readonly bytes: Buffer | undefined;
}

/** The bytes, where they are there and UTF-8. AppError `data_invalid`, which names no place. */
export function utf8Bytes({ line, bytes }: RecordBytes, maxBytes: number): Buffer {
  if (bytes === undefined) {
    throw new AppError('data_invalid', `it is longer than ${maxBytes} bytes`);
  }
  if (!isUtf8(bytes)) throw notUtf8(line, bytes);
  return bytes;
}

function notUtf8(line: number, bytes: Buffer): AppError {
  const bad = validLength(bytes);
  const before = bytes.subarray(0, bad);
  const counter = new LineCounter();
  let lineStart = 0;
  for (const end of lineEnds(before)) {
    if (end > lineStart) counter.content();
    counter.end(before[end] ?? 0);
    lineStart = end + 1;
  }
  const at = line + counter.line - 1;
  const byte = `0x${(bytes[bad] ?? 0).toString(16).toUpperCase().padStart(2, '0')}`;
  const after = shown(before.subarray(lineStart).toString().slice(-20));
  return new AppError(
    'data_invalid',
    `it is not valid UTF-8: byte ${byte} after ${after}${at > line ? ` on line ${at}` : ''}`,
    {
      hint: 'convert the file first, from the encoding that it has: iconv -f WINDOWS-1252 -t UTF-8 FILE > NEW (or -f GBK, SHIFT_JIS, …)',
    },
  );
}

/** How many bytes there are before the first that no UTF-8 can have there. */
function validLength(bytes: Buffer): number {
  let valid = 0;
  let end = bytes.length;
  // A prefix is valid up to the bad byte, save for a character that it cuts in two.
  while (valid < end) {
    const middle = Math.ceil((valid + end) / 2);
    const whole = wholeCharacters(bytes, middle);
    if (isUtf8(bytes.subarray(0, whole))) valid = middle;
    else end = middle - 1;
  }
  return wholeCharacters(bytes, valid);
}

/** A length of at most `end` that cuts no character in two. */
function wholeCharacters(bytes: Buffer, end: number): number {
  for (let back = 1; back <= Math.min(3, end); back++) {
    const byte = bytes[end - back] ?? 0;
    if (byte < 0x80) return end;
    if (byte >= 0xc0) {
      const length = byte >= 0xf0 ? 4 : byte >= 0xe0 ? 3 : 2;
      return length > back ? end - back : end;
    }
  }
  return end;
}
