/** Brackets inside brackets that a file may have: no file that is meant has more, and no walk over it runs out of stack. */
export const MOST_LEVELS = 500;

/** What of a JSON text its parser does not say. */
export interface Oddity {
  readonly kind: 'deep' | 'twice';
  /** Where it is, from 0. */
  readonly offset: number;
  /** The key that its object already has. */
  readonly key: string;
}

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const COLON = 0x3a;
const OPEN_OBJECT = 0x7b;
const OPEN_ARRAY = 0x5b;
const CLOSE_OBJECT = 0x7d;
const CLOSE_ARRAY = 0x5d;
const SPACE = new Set([0x20, 0x09, 0x0a, 0x0d]);

/**
 * Nesting that is too deep, or the first key that stands twice in one object: undefined where there is neither. One
 * pass with a stack of its own, in time linear in the text, which need not be JSON.
 *
 * @param keys whether they are looked at
 */
export function findOddity(text: string, { keys }: { readonly keys: boolean }): Oddity | undefined {
  /** The keys so far of every open object; undefined for an array. */
  const open: (Set<string> | undefined)[] = [];
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at);
    if (code === OPEN_OBJECT || code === OPEN_ARRAY) {
      if (open.length === MOST_LEVELS) return { kind: 'deep', offset: at, key: '' };
      open.push(keys && code === OPEN_OBJECT ? new Set() : undefined);
    } else if (code === CLOSE_OBJECT || code === CLOSE_ARRAY) open.pop();
    else if (code === QUOTE) {
      const end = closingQuote(text, at);
      const known = open.at(-1);
      const twice = known && isKey(text, end) && noteKey(text.slice(at, end + 1), known);
      if (twice) return { kind: 'twice', offset: at, key: twice.key };
      at = end;
    }
  }
  return undefined;
}

/** The place of the quote that ends a string, or the text's end where nothing does. Long strings are passed over at once. */
function closingQuote(text: string, opening: number): number {
  for (let at = text.indexOf('"', opening + 1); at >= 0; at = text.indexOf('"', at + 1)) {
    let before = at - 1;
    while (before > opening && text.charCodeAt(before) === BACKSLASH) before--;
    // Backslashes in pairs stand for themselves.
    if ((at - before) % 2 === 1) return at;
  }
  return text.length;
}

function isKey(text: string, end: number): boolean {
  let at = end + 1;
  while (SPACE.has(text.charCodeAt(at))) at++;
  return text.charCodeAt(at) === COLON;
}

/** The key, where it is among those that are known. */
function noteKey(literal: string, known: Set<string>): { readonly key: string } | undefined {
  const key = keyOf(literal);
  if (key === undefined) return undefined;
  if (known.has(key)) return { key };
  known.add(key);
  return undefined;
}

/** undefined for what is no JSON string: the parser says so. */
function keyOf(literal: string): string | undefined {
  if (!literal.includes('\\')) return literal.slice(1, -1);
  try {
    return JSON.parse(literal) as string;
  } catch {
    return undefined;
  }
}
