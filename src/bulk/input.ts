import { AppError } from '../errors.ts';
import {
  type Format,
  formatInside,
  formatOf,
  hasColumns,
  openFile,
  placeOf,
  type RowReader,
  requireTextFile,
  rowReader,
} from '../files/index.ts';
import type { BulkRecord } from './types.ts';

/** What is to be scored, as a command line names it. */
export interface InputChoice {
  /** A path, or `-` for standard input. */
  readonly file: string | undefined;
  readonly text: readonly string[] | undefined;
  readonly format: Format | undefined;
  readonly column: string | undefined;
}

/** Texts in order, and how far they are read. */
export interface BulkInput {
  readonly records: (options: RecordOptions) => AsyncIterable<BulkRecord>;
  /** Of the input, where its end is known. */
  readonly totalBytes: number | undefined;
  readonly bytesRead: () => number;
  /** Where a record is, for messages. */
  readonly placeOf: (line: number) => string;
}

export interface RecordOptions {
  /** The column that the model's task was learnt from, where it is known. */
  readonly learntColumn: string | undefined;
  /** A longer record is none. */
  readonly maxBytes: number;
}

const STANDARD_INPUT = '-';

/** The column or key of a text where nobody names one, as in a request. */
const TEXT = 'text';

/**
 * What a command line asks to be scored. AppError `usage` where that is nothing, or where the format is needed
 * and not known; as openFile.
 */
export function openInput(choice: InputChoice, stdin: AsyncIterable<Uint8Array>): BulkInput {
  const { file, text: texts } = choice;
  if (texts !== undefined) return givenTexts(texts, file);
  if (file === undefined) {
    throw new AppError('usage', 'no texts: expected a file, - for standard input, or --text', {
      hint: 'mbti-predict --model models/mbti --text "…"',
    });
  }
  const name = file === STANDARD_INPUT ? 'standard input' : file;
  const opened =
    file === STANDARD_INPUT
      ? { size: undefined, bytes: stdin }
      : openFile(file, 'check the path; - reads standard input');
  const format = requireFormat(file, choice);
  let bytes = 0;
  async function* counted(): AsyncGenerator<Uint8Array> {
    for await (const piece of opened.bytes) {
      bytes += piece.length;
      yield piece;
    }
  }
  return {
    records: ({ learntColumn, maxBytes }) =>
      textsOf(rowReader(format), counted(), {
        name,
        text: textKeys(format, choice.column ?? learntColumn ?? TEXT, choice.column === undefined),
        others: [],
        maxBytes,
        columnHint: `name the column of the texts with --column; --format says what the file is, here ${format}`,
      }),
    totalBytes: opened.size,
    bytesRead: () => bytes,
    placeOf: (line) => placeOf(name, line),
  };
}

/** JSON objects may call a text `text`, as requests do, whatever the training data called it. */
function textKeys(format: Format, key: string, isGuessed: boolean): [string, ...string[]] {
  return isGuessed && format === 'jsonl' ? [key, TEXT] : [key];
}

async function* textsOf(
  read: RowReader,
  ...input: Parameters<RowReader>
): AsyncGenerator<BulkRecord> {
  for await (const { line, cells } of read(...input)) {
    yield { line, text: cells instanceof AppError ? cells : cells[0] };
  }
}

function givenTexts(texts: readonly string[], file: string | undefined): BulkInput {
  if (file !== undefined) throw new AppError('usage', 'both --text and a file: expected one');
  async function* records(): AsyncGenerator<BulkRecord> {
    for (const [i, text] of texts.entries()) yield { line: i + 1, text };
  }
  return {
    records,
    totalBytes: undefined,
    bytesRead: () => 0,
    placeOf: (line) => `--text ${line}`,
  };
}

/** The format that is named, that the file's name tells, or text where nothing speaks for another one. */
function requireFormat(file: string, { format, column }: InputChoice): Format {
  const known = format ?? formatOf(file);
  const isAsked = column !== undefined || formatInside(file) !== undefined;
  if (known === undefined && isAsked) {
    // A Parquet file or a workbook has no format to be asked for.
    if (file !== STANDARD_INPUT) requireTextFile(file);
    const of = file === STANDARD_INPUT ? 'standard input' : `the name ${file}`;
    throw new AppError('usage', `${of} does not tell a format: expected --format`, {
      hint: `--format ${formatInside(file) ?? 'csv'}, for example`,
    });
  }
  const decided = known ?? 'text';
  if (column !== undefined && !hasColumns(decided)) {
    throw new AppError('usage', `--column ${column}: a file of ${decided} has no columns`, {
      hint: 'name the format that the file has: --format csv, tsv or jsonl',
    });
  }
  return decided;
}
