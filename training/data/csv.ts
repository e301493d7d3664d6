import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { CsvError, parse } from 'csv-parse';
import { AppError, messageOf } from '../../src/errors.ts';
import { LineCounter } from '../../src/text/index.ts';

/** The wanted cells of a row, in the order of the columns asked for. */
export interface CsvRow {
  /** Where the row begins, counted from 1. */
  readonly line: number;
  readonly cells: readonly string[];
}

const UTF16_MARKS = new Set(['fffe', 'feff']);

/**
 * Reads some columns of a CSV file (RFC 4180, UTF-8 with or without a byte-order mark, a header)
 * and returns the sha256 of its bytes. AppError `file_missing` or `data_invalid`, with the line.
 */
export async function readCsv(
  file: string,
  columns: readonly string[],
  onRow: (row: CsvRow) => void,
): Promise<string> {
  const digest = createHash('sha256');
  const parser = parse({ bom: true, info: true, skip_empty_lines: true });
  const source = createReadStream(file);
  let bytes = 0;
  source.on('data', (chunk) => {
    if (bytes === 0 && UTF16_MARKS.has(Buffer.from(chunk).toString('hex', 0, 2))) {
      source.destroy(
        new AppError('data_invalid', `${file} is UTF-16: expected a CSV file in UTF-8`),
      );
    }
    bytes += chunk.length;
    digest.update(chunk);
  });
  source.on('error', (error) => parser.destroy(error));
  source.pipe(parser);
  let picks: readonly number[] | undefined;
  const lines = new LineCounter();
  try {
    for await (const { info, record } of parser as AsyncIterable<CsvRecord>) {
      const line = lines.begin(info.lines, record);
      if (picks) onRow({ line, cells: picks.map((at) => record[at] ?? '') });
      else picks = columnPositions(file, record, columns);
    }
  } catch (error) {
    throw readingError(file, error);
  } finally {
    source.destroy();
  }
  if (!picks) {
    throw new AppError(
      'data_invalid',
      `${file} is empty: expected a header with ${named(columns)}`,
    );
  }
  return digest.digest('hex');
}

interface CsvRecord {
  readonly info: { readonly lines: number };
  readonly record: readonly string[];
}

function columnPositions(
  file: string,
  header: readonly string[],
  columns: readonly string[],
): readonly number[] {
  const found = header.map((name) => name.trim());
  const missing = columns.filter((column) => !found.includes(column));
  if (missing.length > 0) {
    throw new AppError('data_invalid', `${file} has no ${named(missing)}: found ${named(found)}`, {
      hint: 'task.text_column, task.label_column and the axes\' "column" say which columns are read',
    });
  }
  const twice = columns.find((column) => found.indexOf(column) !== found.lastIndexOf(column));
  if (twice !== undefined) {
    throw new AppError('data_invalid', `${file} has two columns named ${JSON.stringify(twice)}`);
  }
  return columns.map((column) => found.indexOf(column));
}

const LONGEST_SHOWN = 12;

function named(columns: readonly string[]): string {
  const shown = columns.slice(0, LONGEST_SHOWN).map((name) => JSON.stringify(name.slice(0, 40)));
  const more = columns.length > LONGEST_SHOWN ? ', …' : '';
  return `${columns.length === 1 ? 'column' : 'columns'} ${shown.join(', ')}${more}`;
}

function readingError(file: string, error: unknown): AppError {
  if (error instanceof AppError) return error;
  const code = (error as NodeJS.ErrnoException).code;
  if (code === 'ENOENT' || code === 'ENOTDIR') {
    return new AppError('file_missing', `the data file ${file} does not exist`, {
      hint: 'set data.source to a CSV file; mbti-data sample writes a synthetic one',
      cause: error,
    });
  }
  const what = error instanceof CsvError ? 'is not valid CSV' : 'cannot be read';
  const reason = messageOf(error);
  return new AppError('data_invalid', `${file} ${what}: ${reason}`, { cause: error });
}
