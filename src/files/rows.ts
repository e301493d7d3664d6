import { AppError } from '../errors.ts';

/** What is read of a file of texts. */
export interface RowOptions {
  /** What messages call the file. */
  readonly name: string;
  /** The column, or the key of JSON objects, of the text; of several keys the first that an object has. */
  readonly text: readonly [string, ...string[]];
  /** Further columns or keys. */
  readonly others: readonly string[];
  /** A longer row is none. */
  readonly maxBytes: number;
  /** What to do where a column is not there. */
  readonly columnHint: string;
}

/** A row by the line, from 1, on which it begins: the text and the other cells in order, or why there are none. */
export interface Row {
  readonly line: number;
  readonly cells: readonly [string, ...string[]] | AppError;
}

/**
 * The rows of a file of texts. Any of `\n`, `\r\n`, `\r` and `\r\r\n` ends a line, a byte-order mark is passed over,
 * and only UTF-8 is text. AppError `data_invalid`, with its place, for what no row can be blamed for; a row that
 * cannot be read is one with an AppError, whose place is the row's.
 */
export type RowReader = (
  source: AsyncIterable<Uint8Array>,
  options: RowOptions,
) => AsyncGenerator<Row>;

/** A row of what `read` gives; its AppErrors are what is wrong with the row. */
export function rowOf(line: number, read: () => Row['cells']): Row {
  try {
    return { line, cells: read() };
  } catch (error) {
    if (error instanceof AppError) return { line, cells: error };
    throw error;
  }
}

/** The same error, with its place before the message. */
export function atPlace(place: string, error: AppError): AppError {
  return new AppError(error.code, `${place}: ${error.message}`, {
    cause: error,
    ...(error.hint === undefined ? {} : { hint: error.hint }),
  });
}

/** Where a row is, for messages. */
export const placeOf = (name: string, line: number): string => `${name}, line ${line}`;
