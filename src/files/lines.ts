import { AppError } from '../errors.ts';
import { HeldBytes } from './held-bytes.ts';
import { LineCounter, lineEnds } from './line-counter.ts';
import { type RecordBytes, utf8Bytes } from './utf8.ts';

/** A line by its number, from 1: its text without its end, or why it has none. */
export interface TextLine {
  readonly line: number;
  readonly text: string | AppError;
}

/** The lines that hold more than white space. AppErrors, where one is no UTF-8 or longer than `maxBytes`, name no place. */
export async function* textLines(
  source: AsyncIterable<Buffer>,
  maxBytes: number,
): AsyncGenerator<TextLine> {
  for await (const record of splitLines(source, maxBytes)) {
    const text = decoded(record, maxBytes);
    if (text instanceof AppError || text.trim() !== '') yield { line: record.line, text };
  }
}

function decoded(record: RecordBytes, maxBytes: number): string | AppError {
  try {
    return utf8Bytes(record, maxBytes).toString();
  } catch (error) {
    if (error instanceof AppError) return error;
    throw error;
  }
}

/** In constant memory: a line that is too long is passed over as it comes. */
async function* splitLines(
  source: AsyncIterable<Buffer>,
  maxBytes: number,
): AsyncGenerator<RecordBytes> {
  const counter = new LineCounter();
  const held = new HeldBytes(maxBytes);
  const add = (part: Buffer): void => {
    counter.content();
    held.add(part);
  };
  for await (const piece of source) {
    let from = 0;
    for (const end of lineEnds(piece)) {
      if (end > from) add(piece.subarray(from, end));
      if (held.length > 0) yield { line: counter.line, bytes: held.take() };
      counter.end(piece[end] ?? 0);
      from = end + 1;
    }
    if (from < piece.length) add(piece.subarray(from));
  }
  if (held.length > 0) yield { line: counter.line, bytes: held.take() };
}
