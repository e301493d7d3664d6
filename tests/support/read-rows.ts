import { AppError } from '../../src/errors.ts';
import { type Format, type Row, rowReader } from '../../src/files/index.ts';

export interface ReadOptions {
  /** The input arrives in pieces of so many bytes. */
  readonly piece?: number;
  readonly text?: readonly [string, ...string[]];
  readonly others?: readonly string[];
  readonly maxBytes?: number;
}

/** All rows of an input that a file `f` would hold. */
export async function readRows(
  format: Format,
  input: string | Uint8Array,
  { piece = 7, text = ['text'], others = [], maxBytes = 1000 }: ReadOptions = {},
): Promise<Row[]> {
  const bytes = Buffer.from(input as Uint8Array);
  async function* pieces(): AsyncGenerator<Uint8Array> {
    for (let at = 0; at < bytes.length; at += piece) yield bytes.subarray(at, at + piece);
  }
  const options = { name: 'f', text, others, maxBytes, columnHint: 'name another' };
  const rows: Row[] = [];
  for await (const row of rowReader(format)(pieces(), options)) rows.push(row);
  return rows;
}

/** `line text|other…`, or what is wrong with the row. */
export const told = (rows: readonly Row[]): string[] =>
  rows.map(({ line, cells }) =>
    cells instanceof AppError ? `${line} ! ${cells.message}` : `${line} ${cells.join('|')}`,
  );
