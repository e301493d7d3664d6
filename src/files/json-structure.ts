/** Brackets inside brackets that a file may have: no file that is meant has more, and no walk over it runs out of stack. */
export const MOST_LEVELS = 500;

/** Values that a file may have: a vocabulary of a million tokens has two million. Each takes more memory than its text. */
export const MOST_VALUES = 4_000_000;

/** What of a JSON text its parser does not say. */
export interface Oddity {
  readonly kind: 'deep' | 'many' | 'twice' | 'refused';
  /** Where it is, from 0. */
  readonly offset: number;
  /** The key that its object already has, or that is refused; empty where it is about none. */
  readonly key: string;
}

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const COLON = 0x3a;
const COMMA = 0x2c;
const OPEN_OBJECT = 0x7b;
const OPEN_ARRAY = 0x5b;
const CLOSE_OBJECT = 0x7d;
const CLOSE_ARRAY = 0x5d;
const SPACE = new Set([0x20, 0x09, 0x0a, 0x0d]);

export interface StructureLimits {
  /** Whether keys are looked at. */
  readonly keys: boolean;
  readonly levels?: number;
  /** Keys that no object may have. */
  readonly refused?: ReadonlySet<string>;
}

/**
 * Nesting that is too deep, too many values, the first key that stands twice in one object or that is refused: undefined
 * where there is none. One pass with a stack of its own, in time linear in the text, which need not be JSON.
 */
export function findOddity(text: string, limits: StructureLimits): Oddity | undefined {
  const { keys, levels = MOST_LEVELS, refused } = limits;
  /** The keys so far of every open object; undefined for an array. */
  const open: (Set<string> | undefined)[] = [];
  let values = 0;
  for (let at = 0; at < text.length; at++) {
    switch (text.charCodeAt(at)) {
      case OPEN_OBJECT:
      case OPEN_ARRAY:
        if (open.length === levels) return { kind: 'deep', offset: at, key: '' };
        open.push(keys && text.charCodeAt(at) === OPEN_OBJECT ? new Set() : undefined);
        break;
      case CLOSE_OBJECT:
      case CLOSE_ARRAY:
        open.pop();
        break;
      case COMMA:
      case COLON:
        values++;
        if (values > MOST_VALUES) return { kind: 'many', offset: at, key: '' };
        break;
      case QUOTE: {
        const end = closingQuote(text, at);
        const known = open.at(-1);
        const key = known && isKey(text, end) ? keyOf(text.slice(at, end + 1)) : undefined;
        const kind = key === undefined ? undefined : oddKey(key, known, refused);
        if (kind) return { kind, offset: at, key: key ?? '' };
        at = end;
      }
    }
  }
  return undefined;
}

/** What is odd about a key; what is not becomes one of those that its object has. */
function oddKey(key: string, known: Set<string> | undefined, refused?: ReadonlySet<string>) {
  if (refused?.has(key)) return 'refused';
  if (known?.has(key)) return 'twice';
  known?.add(key);
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

/** undefined for what is no JSON string: the parser says so. */
function keyOf(literal: string): string | undefined {
  if (!literal.includes('\\')) return literal.slice(1, -1);
  try {
    return JSON.parse(literal) as string;
  } catch {
    return undefined;
  }
}
