import { csvReader } from './csv-rows.ts';
import { jsonRows } from './json-rows.ts';
import type { RowReader } from './rows.ts';
import { textRows } from './text-rows.ts';

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

/** What names of packed files end in, behind the ending of what is inside. */
const PACKED = /\.(?:gz|zip|zst|bz2|xz)$/i;

/** The format that a file's name tells by its end. */
export function formatOf(name: string): Format | undefined {
  const ending = /\.([^./\\]+)$/.exec(name.replace(PACKED, ''))?.[1]?.toLowerCase() ?? '';
  return formats.find((format) => table[format].endings.some((one) => one === ending));
}

/** The format that a name such as `data.csv.bak` speaks of without ending in it. */
export function formatInside(name: string): Format | undefined {
  const base = name.replace(/^.*[/\\]/, '');
  const parts = base.split('.').slice(1, -1).reverse();
  return parts.map((part) => formatOf(`.${part}`)).find((format) => format !== undefined);
}

/** The reader of a format. */
export const rowReader = (format: Format): RowReader => table[format].read;
