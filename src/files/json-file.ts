import { type Node, type ParseError, parseTree, printParseErrorCode } from 'jsonc-parser';
import { AppError, type ErrorCode, messageOf } from '../errors.ts';
import { shownLine } from './shown.ts';
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
  refuseBoundless(text, options);
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw syntaxError(text, cause, options);
  }
  if (!options.mayRepeat) refuseRepeatedKeys(text, options);
  return value;
}

/** Lists and objects within each other; nothing that anybody wrote is near it. */
const DEEPEST = 100;
/** Values in a text: a vocabulary of a million tokens has two million. Where repeated keys are looked for, each takes more. */
const MOST_VALUES = { mayRepeat: 4_000_000, else: 500_000 } as const;
const SIGNS = /[[{\]}",:]/g;
const depths: Readonly<Record<string, number>> = { '[': 1, '{': 1, ']': -1, '}': -1 };

/**
 * Refuses what takes more memory than any file that is meant, and what is nested: whoever goes through values
 * calls itself for those inside.
 */
function refuseBoundless(text: string, options: JsonOptions): void {
  const { name, invalid = 'data_invalid', mayRepeat } = options;
  const most = MOST_VALUES[mayRepeat ? 'mayRepeat' : 'else'];
  let [depth, values] = [0, 0];
  const next = new RegExp(SIGNS);
  for (let found = next.exec(text); found; found = next.exec(text)) {
    const [sign] = found;
    if (sign === '"') next.lastIndex = endOfString(text, next.lastIndex);
    else if (sign === ',' || sign === ':') values++;
    else depth += depths[sign] ?? 0;
    if (depth <= DEEPEST && values <= most) continue;
    const what =
      values > most ? `holds more than ${most} values` : `is nested more than ${DEEPEST} deep`;
    throw new AppError(invalid, `${name} ${what}, at ${position(text, found.index)}`);
  }
}

/** Behind the quote that ends a string; behind the text where none does. */
function endOfString(text: string, from: number): number {
  for (let at = from; ; ) {
    const quote = text.indexOf('"', at);
    if (quote < 0) return text.length;
    let escapes = 0;
    while (text.charCodeAt(quote - 1 - escapes) === BACKSLASH) escapes++;
    at = quote + 1;
    if (escapes % 2 === 0) return at;
  }
}

const BACKSLASH = 0x5c;

const NUMBERS = /^-?(?:NaN|Infinity)/;

/** Characters: every mistake of a text is kept until all are known. */
const MOST_LOOKED_AT = 2 ** 24;

/** JSON's own parser says only sometimes where a mistake is; the other one always does. */
function syntaxError(text: string, cause: unknown, options: JsonOptions): AppError {
  const { name, invalid = 'data_invalid', secret } = options;
  const [error] = text.length > MOST_LOOKED_AT ? [] : treeOf(text).errors;
  if (error === undefined) {
    const why = secret ? '' : `: ${shownLine(messageOf(cause))}`;
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
  const key = secret ? 'a key' : `the key ${shownLine(String(twice.value), 100)}`;
  throw new AppError(invalid, `${name} has ${key} twice: again at ${position(text, twice.offset)}`);
}

interface Tree {
  readonly tree?: Node | undefined;
  readonly errors: readonly ParseError[];
}

function treeOf(text: string): Tree {
  const errors: ParseError[] = [];
  return { tree: parseTree(text, errors, { disallowComments: true }), errors };
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
  const before = text.slice(0, offset);
  let [line, start] = [1, 0];
  for (const { 0: end, index } of before.matchAll(/\r\n|\r|\n/g)) {
    line++;
    start = index + end.length;
  }
  return `line ${line}, column ${offset - start + 1}`;
}
