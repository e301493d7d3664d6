import { Readable } from 'node:stream';
import { parse } from 'csv-parse';
import { AppError, messageOf } from '../errors.ts';
import { LineCounter } from '../text/index.ts';
import { decodeLine, splitLines } from './lines.ts';
import type { BulkRecord } from './types.ts';

export const formats = ['text', 'csv', 'jsonl'] as const;
export type Format = (typeof formats)[number];

export interface RecordOptions {
  /** The column of a CSV file, or the key of a JSON object, that holds the text. */
  readonly column: string;
  /** A longer line, or CSV record, is no record. */
  readonly maxBytes: number;
}

type Reader = (
  source: AsyncIterable<Uint8Array>,
  options: RecordOptions,
) => AsyncGenerator<BulkRecord>;

/** By format: a text a line; a header and rows; a JSON object or string a line. Empty lines are no records. */
export const readers: Readonly<Record<Format, Reader>> = {
  text: (source, options) => lineRecords(source, options, (line) => line),
  jsonl: (source, options) => lineRecords(source, options, (line) => fromJson(line, options)),
  csv: csvRecords,
};

/** The format that a file's name tells; text where it tells none. */
export function formatOf(file: string): Format {
  if (/\.csv$/i.test(file)) return 'csv';
  return /\.(jsonl|ndjson)$/i.test(file) ? 'jsonl' : 'text';
}

async function* lineRecords(
  source: AsyncIterable<Uint8Array>,
  { maxBytes }: RecordOptions,
  textOf: (line: string) => string,
): AsyncGenerator<BulkRecord> {
  for await (const line of splitLines(source, maxBytes)) {
    let text: string | AppError;
    try {
      const decoded = decodeLine(line, maxBytes);
      const content = line.line === 1 ? decoded.replace(/^\uFEFF/, '') : decoded;
      if (content.trim() === '') continue;
      text = textOf(content);
    } catch (error) {
      if (!(error instanceof AppError)) throw error;
      text = error;
    }
    yield { line: line.line, text };
  }
}

function fromJson(line: string, { column }: RecordOptions): string {
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch {
    throw new AppError('data_invalid', 'it is not valid JSON');
  }
  const found =
    typeof value === 'object' && value !== null && Object.hasOwn(value, column)
      ? (value as Record<string, unknown>)[column]
      : value;
  if (typeof found === 'string') return found;
  throw new AppError(
    'data_invalid',
    `it holds no text: expected a string, or an object with a string "${column}"`,
  );
}

async function* csvRecords(
  source: AsyncIterable<Uint8Array>,
  { column, maxBytes }: RecordOptions,
): AsyncGenerator<BulkRecord> {
  const parser = parse({
    bom: true,
    info: true,
    skip_empty_lines: true,
    relax_column_count: true,
    max_record_size: maxBytes,
  });
  const input = Readable.from(source);
  input.on('error', (error) => parser.destroy(error));
  input.pipe(parser);
  let at: number | undefined;
  let columns = 0;
  const lines = new LineCounter();
  let line = 1;
  try {
    for await (const { info, record } of parser as AsyncIterable<CsvRow>) {
      line = lines.begin(info.lines, record);
      if (at === undefined) {
        at = columnAt(record, column);
        columns = record.length;
      } else
        yield {
          line,
          text: record.length === columns ? (record[at] ?? '') : uneven(record, columns),
        };
    }
  } catch (error) {
    if (error instanceof AppError) throw error;
    const reason = messageOf(error);
    throw new AppError(
      'data_invalid',
      `the CSV cannot be read after the record of line ${line}: ${reason}`,
    );
  } finally {
    input.destroy();
  }
}

interface CsvRow {
  readonly info: { readonly lines: number };
  readonly record: readonly string[];
}

function columnAt(header: readonly string[], column: string): number {
  const at = header.indexOf(column);
  if (at >= 0) return at;
  throw new AppError(
    'data_invalid',
    `the CSV has no column "${column}": its header has ${header.slice(0, 10).join(', ')}`,
    { hint: 'name the column of the texts with --column' },
  );
}

const uneven = (record: readonly string[], columns: number): AppError =>
  new AppError('data_invalid', `it has ${record.length} cells: expected ${columns}, as the header`);
