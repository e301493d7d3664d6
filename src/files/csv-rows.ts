import { AppError } from '../errors.ts';
import { openContent } from './content.ts';
import { type CsvRecord, CsvSplitter, cellText, MOST_CELLS } from './csv-records.ts';
import { atPlace, placeOf, type Row, type RowOptions, type RowReader, rowOf } from './rows.ts';
import { shown } from './shown.ts';
import { utf8Bytes } from './utf8.ts';

/** The columns that are read, by position, and how many there are. */
interface Header {
  readonly picks: readonly number[];
  readonly width: number;
}

/** Reads a header and rows whose cells a character separates. */
export function csvReader(delimiter: string): RowReader {
  return async function* csvRows(source, options) {
    const { bytes } = await openContent(source, options.name);
    const splitter = new CsvSplitter(delimiter, options.maxBytes);
    let header: Header | undefined;
    let rows = 0;
    function* rowsOf(records: Iterable<CsvRecord>): Generator<Row> {
      for (const record of records) {
        if (header === undefined) header = readHeader(record, delimiter, options);
        else {
          rows++;
          yield readRow(record, header, options);
        }
      }
    }
    for await (const piece of bytes) for (const row of rowsOf(splitter.push(piece))) yield row;
    const { openQuote } = splitter;
    if (openQuote !== undefined) throw neverClosed(openQuote, options);
    for (const row of rowsOf(splitter.end())) yield row;
    if (header === undefined) {
      const wanted = named([options.text[0], ...options.others]);
      throw new AppError(
        'data_invalid',
        `${options.name} is empty: expected a header with ${wanted}`,
      );
    }
    if (rows === 0) throw new AppError('data_invalid', `${options.name} has a header but no rows`);
  };
}

const neverClosed = (line: number, { name }: RowOptions): AppError =>
  new AppError(
    'data_invalid',
    `${placeOf(name, line)}: a quote opens a cell here and is never closed: the rest of the file would be one cell`,
    { hint: 'close it, or write a quote that belongs to the text twice, in a cell in quotes' },
  );

function readHeader(record: CsvRecord, delimiter: string, options: RowOptions): Header {
  const { name, text, others } = options;
  let found: string[];
  try {
    const bytes = utf8Bytes(record, options.maxBytes);
    if (record.line === 1) requireTable(bytes.toString('utf8', 0, 200));
    requireQuotes(record);
    if (record.cellCount > MOST_CELLS) {
      const problem = `it has ${record.cellCount} columns: expected ${MOST_CELLS} at most`;
      throw new AppError('data_invalid', problem);
    }
    found = Array.from({ length: record.cellCount }, (_, i) => cellText(record, bytes, i).trim());
  } catch (error) {
    throw error instanceof AppError ? atPlace(placeOf(name, record.line), error) : error;
  }
  const columns = [text[0], ...others];
  const missing = columns.filter((column) => !found.includes(column));
  if (missing.length > 0) {
    throw new AppError(
      'data_invalid',
      `${name} has no ${named(missing)}: found ${named(found)}${looks(found, delimiter)}`,
      { hint: options.columnHint },
    );
  }
  const twice = columns.find((column) => found.indexOf(column) !== found.lastIndexOf(column));
  if (twice !== undefined) {
    throw new AppError('data_invalid', `${name} has two columns named ${shown(twice)}`);
  }
  return { picks: columns.map((column) => found.indexOf(column)), width: found.length };
}

/** What a file may be whose first line begins so. */
const beginnings: readonly (readonly [begins: RegExp, is: string, todo: string])[] = [
  [/^\s*(?:\{|\[\s*[{"])/, 'JSON', 'name it .jsonl or .json'],
  [/^\s*<(?:!doctype|html)/i, 'a web page', 'download the file itself'],
];

function requireTable(line: string): void {
  const other = beginnings.find(([begins]) => begins.test(line));
  if (other === undefined) return;
  throw new AppError('data_invalid', `it looks like ${other[1]}: expected a header and rows`, {
    hint: other[2],
  });
}

/** What may separate the cells of a header that seems to have one. */
const separators: readonly (readonly [sign: string, by: string])[] = [
  [';', '";"'],
  ['\t', 'tabs, as in a .tsv file'],
  ['|', '"|"'],
  [',', 'commas, as in a .csv file'],
];

function looks(found: readonly string[], delimiter: string): string {
  const [only = ''] = found;
  const like = separators.find(([sign]) => only.includes(sign));
  if (found.length > 1 || like === undefined) return '';
  const expected = delimiter === '\t' ? 'tabs' : 'commas';
  return `, which looks separated by ${like[1]}: expected ${expected}`;
}

function readRow(record: CsvRecord, { picks, width }: Header, options: RowOptions): Row {
  const row = rowOf(record.line, () => {
    requireQuotes(record);
    requireWidth(record, width);
    const bytes = utf8Bytes(record, options.maxBytes);
    const [text = '', ...more] = picks.map((at) => cellText(record, bytes, at));
    return [text, ...more];
  });
  // A quote in the wrong place may have made one of several rows: nobody passes over these as one.
  const isMixedUp = record.fault !== undefined || record.cellCount !== width;
  if (row.cells instanceof AppError && isMixedUp && record.lastLine > record.line) {
    const through = ` (the quotes make one row of the lines ${record.line} to ${record.lastLine})`;
    const { code, message, hint = '' } = row.cells;
    throw atPlace(
      placeOf(options.name, record.line),
      new AppError(code, message + through, { hint }),
    );
  }
  return row;
}

const faults = {
  inside: 'has a quote inside',
  after: 'goes on behind the quote that closes it',
} as const;

function requireQuotes({ fault }: CsvRecord): void {
  if (fault === undefined) return;
  throw new AppError(
    'data_invalid',
    `its cell ${fault.cell} ${faults[fault.kind]}: expected a cell with quotes to stand in quotes, each quote in it twice`,
    { hint: 'such as "she said ""yes"" at once"' },
  );
}

function requireWidth({ cellCount }: CsvRecord, width: number): void {
  if (cellCount === width) return;
  throw new AppError(
    'data_invalid',
    `it has ${cellCount} cells: expected ${width}, as the header`,
    {
      hint: 'a cell that holds a separator or a line end has to stand in quotes',
    },
  );
}

const MOST_NAMED = 12;

function named(columns: readonly string[]): string {
  const more = columns.length > MOST_NAMED ? ', …' : '';
  const list = columns.slice(0, MOST_NAMED).map(shown).join(', ');
  return `${columns.length === 1 ? 'column' : 'columns'} ${list}${more}`;
}
