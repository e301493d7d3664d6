import { AppError } from '../../errors.ts';
import { findOddity, type Oddity, shown } from '../../files/index.ts';

/** Brackets inside brackets that a body may have. */
export const MOST_LEVELS = 32;

/** Keys that reach an object's prototype where code is careless. */
const forbiddenKeys: ReadonlySet<string> = new Set(['__proto__', 'constructor', 'prototype']);

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

function checkStructure(text: string): void {
  const odd = findOddity(text, { keys: true, levels: MOST_LEVELS, refused: forbiddenKeys });
  if (odd !== undefined) throw new AppError('invalid_request', problems[odd.kind](shown(odd.key)));
}

const problems: Readonly<Record<Oddity['kind'], (key: string) => string>> = {
  deep: () => `the body is nested over ${MOST_LEVELS} levels deep`,
  many: () => 'the body holds too many values',
  twice: (key) => `the key ${key} occurs twice in one object`,
  refused: (key) => `the key ${key} is not allowed`,
};

/** The parser's reason without the piece of the body that it quotes. */
function reasonOf(error: unknown): string {
  const message = error instanceof Error ? error.message : '';
  const reason = message.replace(/, (\.\.\.)?".*"(\.\.\.)? is not valid JSON$/s, '');
  return reason.charAt(0).toLowerCase() + reason.slice(1);
}
