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
  const walk = new Walk(text, limits);
  for (let at = 0; at < text.length; at = walk.end + 1) {
    const kind = walk.look(at);
    if (kind) return { kind, offset: at, key: walk.key };
  }
  return undefined;
}

class Walk {
  /** Where what was looked at ends. */
  end = -1;
  /** That was looked at last. */
  key = '';
  readonly #text: string;
  readonly #limits: StructureLimits;
  /** The keys so far of every open object; undefined for an array. */
  readonly #open: (Set<string> | undefined)[] = [];
  #values = 0;

  constructor(text: string, limits: StructureLimits) {
    this.#text = text;
    this.#limits = limits;
  }

  look(at: number): Oddity['kind'] | undefined {
    this.end = at;
    switch (this.#text.charCodeAt(at)) {
      case OPEN_OBJECT:
        return this.#begin(this.#limits.keys ? new Set() : undefined);
      case OPEN_ARRAY:
        return this.#begin(undefined);
      case CLOSE_OBJECT:
      case CLOSE_ARRAY:
        this.#open.pop();
        return undefined;
      case COMMA:
      case COLON:
        this.#values++;
        return this.#values > MOST_VALUES ? 'many' : undefined;
      case QUOTE:
        this.end = closingQuote(this.#text, at);
        return this.#lookAtString(at);
      default:
        return undefined;
    }
  }

  #begin(keys: Set<string> | undefined): Oddity['kind'] | undefined {
    this.key = '';
    this.#open.push(keys);
    return this.#open.length > (this.#limits.levels ?? MOST_LEVELS) ? 'deep' : undefined;
  }

  #lookAtString(at: number): Oddity['kind'] | undefined {
    const known = this.#open.at(-1);
    if (!known || !isKey(this.#text, this.end)) return undefined;
    const key = keyOf(this.#text.slice(at, this.end + 1));
    if (key === undefined) return undefined;
    this.key = key;
    if (this.#limits.refused?.has(key)) return 'refused';
    if (known.has(key)) return 'twice';
    known.add(key);
    return undefined;
  }
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
