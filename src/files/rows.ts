import { AppError } from '../errors.ts';
import type { Content } from './content.ts';

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

export type RowReader = (content: Content, options: RowOptions) => AsyncGenerator<Row>;

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
