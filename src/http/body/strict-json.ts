import { AppError } from '../../errors.ts';
import { shown } from '../../files/index.ts';

/** Brackets inside brackets that a body may have. */
export const MOST_LEVELS = 32;

/** Keys that reach an object's prototype where code is careless. */
const forbiddenKeys: ReadonlySet<string> = new Set(['__proto__', 'constructor', 'prototype']);

const QUOTE = 0x22;
const BACKSLASH = 0x5c;

/**
 * The value of a JSON text. AppError `invalid_json` where it is none, `invalid_request` where it is
 * nested too deeply, names a key twice, or has a key like `__proto__`.
 */
export function parseStrictJson(text: string): unknown {
  if (text.trim() === '') throw new AppError('invalid_json', 'the body is empty: expected JSON');
  checkStructure(text);
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new AppError('invalid_json', `the body is not valid JSON: ${reasonOf(error)}`);
  }
}

/** One pass with a stack of its own, so that no depth can exhaust the call stack. */
function checkStructure(text: string): void {
  /** The keys so far of every open object; undefined for an array. */
  const open: (Set<string> | undefined)[] = [];
  for (let at = 0; at < text.length; at += 1) {
    const character = text[at];
    if (character === '{' || character === '[') {
      open.push(character === '{' ? new Set() : undefined);
      if (open.length > MOST_LEVELS) {
        throw new AppError('invalid_request', `the body is nested over ${MOST_LEVELS} levels deep`);
      }
    } else if (character === '}' || character === ']') {
      open.pop();
    } else if (character === '"') {
      const end = closingQuote(text, at);
      const keys = open.at(-1);
      if (keys && isKey(text, end)) checkKey(text.slice(at, end + 1), keys);
      at = end;
    }
  }
}

/** The place of the quote that ends a string, or the text's end where nothing does. */
function closingQuote(text: string, opening: number): number {
  for (let at = opening + 1; at < text.length; at += 1) {
    const code = text.charCodeAt(at);
    if (code === QUOTE) return at;
    if (code === BACKSLASH) at += 1;
  }
  return text.length;
}

function isKey(text: string, end: number): boolean {
  let at = end + 1;
  while (' \t\r\n'.includes(text[at] ?? '-')) at += 1;
  return text[at] === ':';
}

function checkKey(literal: string, keys: Set<string>): void {
  let key: string;
  try {
    key = JSON.parse(literal);
  } catch {
    return; // Not a JSON string: the parser will say so.
  }
  if (forbiddenKeys.has(key)) {
    throw new AppError('invalid_request', `the key ${JSON.stringify(key)} is not allowed`);
  }
  if (keys.has(key)) {
    throw new AppError('invalid_request', `the key ${shown(key)} occurs twice in one object`);
  }
  keys.add(key);
}

/** The parser's reason without the piece of the body that it quotes. */
function reasonOf(error: unknown): string {
  const message = error instanceof Error ? error.message : '';
  const reason = message.replace(/, (\.\.\.)?".*"(\.\.\.)? is not valid JSON$/s, '');
  return reason.charAt(0).toLowerCase() + reason.slice(1);
}
