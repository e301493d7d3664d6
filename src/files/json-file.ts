import { type Node, type ParseError, parseTree, printParseErrorCode } from 'jsonc-parser';
import { AppError, type ErrorCode, messageOf } from '../errors.ts';
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
 * and column where it is not JSON, holds a number that JSON does not have, or names a key twice.
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
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw syntaxError(text, cause, options);
  }
  if (!options.mayRepeat) refuseRepeatedKeys(text, options);
  return value;
}

const NUMBERS = /^-?(?:NaN|Infinity)/;

/** JSON's own parser says only sometimes where a mistake is; the other one always does. */
function syntaxError(text: string, cause: unknown, options: JsonOptions): AppError {
  const { name, invalid = 'data_invalid', secret } = options;
  const [error] = treeOf(text).errors;
  if (error === undefined) {
    const why = secret ? '' : `: ${messageOf(cause)}`;
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

function refuseRepeatedKeys(text: string, options: JsonOptions): void {
  const { name, invalid = 'data_invalid', secret } = options;
  const { tree } = treeOf(text);
  const twice = tree && repeatedKey(tree);
  if (!twice) return;
  const key = secret ? 'a key' : `the key ${twice.value}`;
  throw new AppError(invalid, `${name} has ${key} twice: again at ${position(text, twice.offset)}`);
}

interface Tree {
  readonly tree?: Node | undefined;
  readonly errors: readonly ParseError[];
}

/** Nothing is known of what is nested so deeply that looking into it fails. */
function treeOf(text: string): Tree {
  const errors: ParseError[] = [];
  try {
    return { tree: parseTree(text, errors, { disallowComments: true }), errors };
  } catch (error) {
    if (error instanceof RangeError) return { errors };
    throw error;
  }
}

/** The first key that its object already has, wherever it stands. */
function repeatedKey(root: Node): Node | undefined {
  const open = [root];
  for (let node = open.pop(); node; node = open.pop()) {
    const keys = new Set<unknown>();
    for (const child of node.children ?? []) {
      const key = child.type === 'property' ? child.children?.[0] : undefined;
      if (key && keys.has(key.value)) return key;
      if (key) keys.add(key.value);
    }
    for (const child of (node.children ?? []).toReversed()) open.push(child);
  }
  return undefined;
}

function position(text: string, offset: number): string {
  const lines = text.slice(0, offset).split(/\r\n|\r|\n/);
  return `line ${lines.length}, column ${(lines.at(-1)?.length ?? 0) + 1}`;
}
