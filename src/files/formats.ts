import { AppError } from '../errors.ts';
import { openContent } from './content.ts';
import { csvReader } from './csv-rows.ts';
import { jsonRows } from './json-rows.ts';
import { textLines } from './lines.ts';
import { type Row, type RowOptions, type RowReader, rowOf } from './rows.ts';

interface FormatEntry {
  /** How names of such files end. */
  readonly endings: readonly string[];
  /** Whether a column is chosen. */
  readonly hasColumns: boolean;
  readonly read: RowReader;
}

/** Everything that is known of a format. */
const table = {
  text: { endings: ['txt', 'text'], hasColumns: false, read: textRows },
  csv: { endings: ['csv'], hasColumns: true, read: csvReader(',') },
  tsv: { endings: ['tsv', 'tab'], hasColumns: true, read: csvReader('\t') },
  jsonl: { endings: ['jsonl', 'ndjson', 'json'], hasColumns: true, read: jsonRows },
} as const satisfies Record<string, FormatEntry>;

export type Format = keyof typeof table;

export const formats = Object.keys(table) as readonly Format[];

export const hasColumns = (format: Format): boolean => table[format].hasColumns;

/** The format that a file's name tells by its end. */
export function formatOf(name: string): Format | undefined {
  const ending = /\.([^./\\]+)$/.exec(name)?.[1]?.toLowerCase() ?? '';
  return formats.find((format) => table[format].endings.some((one) => one === ending));
}

/** The format that a name such as `data.csv.bak` speaks of without ending in it. */
export function formatInside(name: string): Format | undefined {
  const base = name.replace(/^.*[/\\]/, '');
  const parts = base.split('.').slice(1, -1).reverse();
  return parts.map((part) => formatOf(`.${part}`)).find((format) => format !== undefined);
}

/**
 * The rows of a file of texts. Any of `\n`, `\r\n`, `\r` and `\r\r\n` ends a line, a byte-order mark is passed over,
 * and only UTF-8 is text. AppError `data_invalid`, with its place, for what no row can be blamed for; a row that
 * cannot be read is one with an AppError, whose place is the row's.
 */
export async function* readRows(
  source: AsyncIterable<Uint8Array>,
  format: Format,
  options: RowOptions,
): AsyncGenerator<Row> {
  yield* table[format].read(await openContent(source, options.name), options);
}

async function* textRows(
  { bytes }: Parameters<RowReader>[0],
  { name, maxBytes }: RowOptions,
): AsyncGenerator<Row> {
  let rows = 0;
  for await (const { line, text } of textLines(bytes, maxBytes)) {
    rows++;
    yield rowOf(line, () => {
      if (text instanceof AppError) throw text;
      return [text];
    });
  }
  if (rows === 0) throw new AppError('data_invalid', `${name} is empty: expected a text a line`);
}
