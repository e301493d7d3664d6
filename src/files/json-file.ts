import { type ParseError, printParseErrorCode, visit } from 'jsonc-parser';
import { AppError, type ErrorCode, messageOf } from '../errors.ts';
import { findOddity, MOST_LEVELS, MOST_VALUES } from './json-structure.ts';
import { onOneLine, shown } from './shown.ts';
import { readTextFile, type TextFileOptions } from './text-file.ts';

export interface JsonOptions {
  /** What messages call the text. */
  readonly name: string;
  /** Of the error for what is not JSON: `data_invalid`. */
  readonly invalid?: ErrorCode | undefined;
  /** Repeated keys are not looked for: in vocabularies of a hundred thousand words. */
  readonly mayRepeat?: boolean | undefined;
  /** Messages tell places, but nothing of the text itself. */
  readonly secret?: boolean | undefined;
}

export type JsonFileOptions = TextFileOptions & Omit<JsonOptions, 'name' | 'invalid'>;

/** A parsed JSON object. */
export type JsonObject = Record<string, unknown>;

/**
 * The object that a JSON file holds. AppError of the codes in the options, naming the file: as readTextFile, and with line
 * and column where it is not JSON, holds a number that JSON does not have, is nested too deeply, or names a key twice.
 */
export function readJsonFile(file: string, options: JsonFileOptions = {}): JsonObject {
  const { name = file, invalid = 'data_invalid', mayRepeat, secret } = options;
  const text = readTextFile(file, options);
  const value = parseJson(text, { name, invalid, mayRepeat, secret });
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) {
    return value as JsonObject;
  }
  throw new AppError(invalid, `${name} does not hold a JSON object`);
}

/** What a JSON text says. AppError as readJsonFile. */
export function parseJson(text: string, options: JsonOptions): unknown {
  const { name, invalid = 'data_invalid', secret, mayRepeat = false } = options;
  const odd = findOddity(text, { keys: !mayRepeat });
  const at = odd && position(text, odd.offset);
  if (odd?.kind === 'deep') {
    const problem = `is nested over ${MOST_LEVELS} levels deep at ${at}`;
    throw new AppError(invalid, `${name} ${problem}: expected ${MOST_LEVELS} at most`);
  }
  if (odd?.kind === 'many') {
    throw new AppError(invalid, `${name} holds more than ${MOST_VALUES} values, at ${at}`);
  }
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw syntaxError(text, cause, options);
  }
  if (odd === undefined) return value;
  const key = secret ? 'a key' : `the key ${shown(odd.key)}`;
  throw new AppError(invalid, `${name} has ${key} twice: again at ${at}`);
}

const NUMBERS = /^-?(?:NaN|Infinity)/;

/** Characters: every mistake of a text is kept until all are known. */
const MOST_LOOKED_AT = 2 ** 24;

/** JSON's own parser says only sometimes where a mistake is; the other one always does. */
function syntaxError(text: string, cause: unknown, options: JsonOptions): AppError {
  const { name, invalid = 'data_invalid', secret } = options;
  const error = text.length > MOST_LOOKED_AT ? undefined : firstError(text);
  if (error === undefined) {
    const why = secret ? '' : `: ${onOneLine(messageOf(cause))}`;
    return new AppError(invalid, `${name} is not JSON${why}`, { cause });
  }
  const at = position(text, error.offset);
  const [number] = NUMBERS.exec(text.slice(error.offset, error.offset + 9)) ?? [];
  if (number !== undefined) {
    return new AppError(invalid, `${name} is not JSON: it holds ${number} at ${at}`, {
      hint: 'JSON has no such number, although Python writes it: put a number or null in its place',
    });
  }
  const what = printParseErrorCode(error.error)
    .replace(/(?<=.)([A-Z])/g, ' $1')
    .toLowerCase();
  return new AppError(invalid, `${name} is not JSON: ${what} at ${at}`);
}

/** Nothing is built on the way to it, and nothing behind it is read. */
function firstError(text: string): ParseError | undefined {
  let first: ParseError | undefined;
  const stop = new Error('found');
  try {
    visit(
      text,
      {
        onError: (error, offset, length) => {
          first = { error, offset, length };
          throw stop;
        },
      },
      { disallowComments: true },
    );
  } catch (error) {
    if (error !== stop) throw error;
  }
  return first;
}

/** `\n`, `\r\n` and `\r` end lines. */
function position(text: string, offset: number): string {
  let line = 1;
  let start = 0;
  for (const { index, 0: end } of text.slice(0, offset).matchAll(/\r\n|\r|\n/g)) {
    line++;
    start = index + end.length;
  }
  return `line ${line}, column ${offset - start + 1}`;
}
