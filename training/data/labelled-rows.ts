import { createHash } from 'node:crypto';
import { AppError } from '../../src/errors.ts';
import { atPlace, formatOf, openFile, placeOf, rowReader } from '../../src/files/index.ts';

/** A row of labelled texts. */
export interface LabelledRow {
  /** `file, line n`, for messages. */
  readonly place: string;
  readonly text: string;
  /** In the order of the columns asked for. */
  readonly labels: readonly string[];
}

/** A longer row is a quote that is not closed, or no text. */
const MOST_BYTES = 64 * 2 ** 20;

/** The sha256 (hex) of what passes, once all of it has. */
interface Digest {
  readonly bytes: AsyncIterable<Buffer>;
  readonly sha256: () => string;
}

/**
 * Reads the text and the labels of every row of a file, in the format that its name tells, else as CSV; and returns
 * the sha256 of its bytes. AppError `file_missing` or `data_invalid`, with the place.
 */
export async function readLabelledRows(
  file: string,
  columns: { readonly text: string; readonly labels: readonly string[] },
  onRow: (row: LabelledRow) => void,
): Promise<string> {
  const { bytes, sha256 } = digested(openSource(file));
  const named = formatOf(file);
  const format = named === undefined || named === 'text' ? 'csv' : named;
  const rows = rowReader(format)(bytes, {
    name: file,
    text: [columns.text],
    others: columns.labels,
    maxBytes: MOST_BYTES,
    columnHint:
      'task.text_column, task.label_column and the axes\' "column" say which columns are read',
  });
  for await (const { line, cells } of rows) {
    const place = placeOf(file, line);
    if (cells instanceof AppError) throw atPlace(place, cells);
    const [text, ...labels] = cells;
    onRow({ place, text, labels });
  }
  return sha256();
}

/** sha256 (hex) of a file's bytes, as readLabelledRows returns it. AppError `file_missing` or `data_invalid`. */
export async function hashSource(file: string): Promise<string> {
  const { bytes, sha256 } = digested(openSource(file));
  for await (const _ of bytes);
  return sha256();
}

function openSource(file: string): AsyncIterable<Buffer> {
  const hint =
    'set data.source to a file of labelled texts; mbti-data sample writes a synthetic one';
  return openFile(file, hint).bytes;
}

function digested(source: AsyncIterable<Buffer>): Digest {
  const digest = createHash('sha256');
  async function* bytes(): AsyncGenerator<Buffer> {
    for await (const piece of source) {
      digest.update(piece);
      yield piece;
    }
  }
  return { bytes: bytes(), sha256: () => digest.digest('hex') };
}
