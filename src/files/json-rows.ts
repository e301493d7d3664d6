import { AppError } from '../errors.ts';
import { openContent } from './content.ts';
import { findOddity, MOST_LEVELS } from './json-structure.ts';
import { JsonArraySplitter, type JsonValue } from './json-values.ts';
import { textLines } from './lines.ts';
import { placeOf, type Row, type RowOptions, rowOf } from './rows.ts';
import { shown } from './shown.ts';
import { utf8Bytes } from './utf8.ts';

/** A JSON object or string a line; or all of them in one array, over as many lines as it likes. */
export async function* jsonRows(
  source: AsyncIterable<Uint8Array>,
  options: RowOptions,
): AsyncGenerator<Row> {
  const { head, bytes } = await openContent(source, options.name);
  const isArray = head.toString('latin1').trimStart().startsWith('[');
  let rows = 0;
  for await (const row of isArray ? arrayRows(bytes, options) : lineRows(bytes, options)) {
    rows++;
    yield row;
  }
  if (rows === 0) {
    throw new AppError(
      'data_invalid',
      `${options.name} is empty: expected JSON objects or strings`,
    );
  }
}

async function* lineRows(bytes: AsyncIterable<Buffer>, options: RowOptions): AsyncGenerator<Row> {
  for await (const { line, text } of textLines(bytes, options.maxBytes)) {
    yield rowOf(line, () => {
      if (text instanceof AppError) throw text;
      requirePlain(text);
      try {
        return cellsOf(JSON.parse(text), options);
      } catch (error) {
        if (error instanceof AppError) throw error;
        throw new AppError('data_invalid', `it is not valid JSON: ${shown(text.trim())}`, {
          hint: 'expected one object or string on every line, or all of them in one array',
        });
      }
    });
  }
}

async function* arrayRows(bytes: AsyncIterable<Buffer>, options: RowOptions): AsyncGenerator<Row> {
  const splitter = new JsonArraySplitter(options.maxBytes);
  let values = 0;
  for await (const piece of bytes) {
    for (const value of splitter.push(piece)) {
      const isOnlyBrackets = value.isLast && values === 0 && value.bytes?.length === 0;
      if (!isOnlyBrackets) yield arrayRow(value, options);
      values++;
    }
  }
  const { lineAfterwards, isClosed } = splitter;
  if (lineAfterwards !== undefined) {
    throw new AppError(
      'data_invalid',
      `${placeOf(options.name, lineAfterwards)}: something follows the JSON array: expected one array, or an object or string on every line`,
    );
  }
  if (!isClosed) {
    throw new AppError('data_invalid', `${options.name}: its JSON array is never closed`);
  }
}

function arrayRow(value: JsonValue, options: RowOptions): Row {
  let text: string;
  try {
    text = utf8Bytes(value, options.maxBytes).toString();
  } catch (error) {
    return rowOf(value.line, () => {
      throw error;
    });
  }
  const json = parsedValue(text, placeOf(options.name, value.line));
  return rowOf(value.line, () => {
    requirePlain(text);
    return cellsOf(json, options);
  });
}

/** AppError `data_invalid`, which names no place, for what the parser takes in silence: the last of two same keys. */
function requirePlain(text: string): void {
  const odd = findOddity(text, { keys: true });
  if (odd === undefined) return;
  const problem =
    odd.kind === 'twice'
      ? `has the key ${shown(odd.key)} twice`
      : `is nested over ${MOST_LEVELS} levels deep`;
  throw new AppError('data_invalid', `it ${problem}`);
}

/** What lies between two commas and is no JSON may be several values: nobody passes over these as one. */
function parsedValue(text: string, place: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw new AppError('data_invalid', `${place}: it is not valid JSON: ${shown(text.trim())}`, {
      hint: 'the values of an array are separated by single commas',
    });
  }
}

/** A text is a string; the others may also be numbers and booleans, as these are written. */
function cellsOf(json: unknown, { text, others }: RowOptions): [string, ...string[]] {
  const has = (key: string) => isObject(json) && Object.hasOwn(json, key);
  const key = text.find(has) ?? text[0];
  const found = isObject(json) ? json[key] : others.length === 0 ? json : undefined;
  if (typeof found !== 'string' || (isObject(json) && !has(key))) {
    const or = others.length === 0 ? 'a string, or ' : '';
    throw new AppError(
      'data_invalid',
      `it holds no text: expected ${or}an object with a string ${shown(text[0])}`,
    );
  }
  return [found, ...others.map((other) => otherCell(json, other))];
}

function otherCell(json: unknown, key: string): string {
  const value = isObject(json) && Object.hasOwn(json, key) ? json[key] : undefined;
  if (typeof value === 'string') return value;
  if (typeof value === 'number' || typeof value === 'boolean') return String(value);
  throw new AppError(
    'data_invalid',
    `it has no ${shown(key)}: expected a string, a number, true or false`,
  );
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
