import { parseJson } from '../files/index.ts';

/** One thing wrong inside a value: where (`''` is the value itself, else `.init.dim`, `[0].labels`). */
export interface Fault {
  readonly at: string;
  readonly value: unknown;
  readonly allowed: string;
  /** What is to change where the value is right and its JSON type is not. */
  readonly note?: string;
}

/** What a key's value may be, in words and in code. */
export interface Format<T> {
  readonly allowed: string;
  /**
   * A word of the command line or of the environment as a value; what it cannot read stays a string. AppError
   * `config_invalid` for what it reads and would not keep whole.
   */
  parse(word: string): unknown;
  check(value: unknown): readonly Fault[];
  /** Never present: it carries the type. */
  readonly type?: T;
}

/** The word for "no value" where a key allows that. */
const NOTHING = 'null';

function format<T>(
  allowed: string,
  accepts: (value: unknown) => boolean,
  parse: (word: string) => unknown = (word) => word,
): Format<T> {
  return {
    allowed,
    parse,
    check: (value) =>
      accepts(value) ? [] : [{ at: '', value, allowed, ...noteOf(value, accepts, parse) }],
  };
}

/** Quotes too many or too few are the usual mistake: JSON values have their type. */
function noteOf(
  value: unknown,
  accepts: (value: unknown) => boolean,
  parse: (word: string) => unknown,
): { readonly note?: string } {
  if (typeof value === 'string' && accepts(parse(value))) return { note: WITHOUT_QUOTES };
  const isPlain = typeof value === 'number' || typeof value === 'boolean';
  return isPlain && accepts(String(value)) ? { note: ', in quotes' } : {};
}

const WITHOUT_QUOTES = ', without quotes';

/** Decimal numbers as people write them: `8123`, `.5`, `1e-3`; no `0x1f`, no `Infinity`. */
const decimal = /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i;

function parseNumber(word: string): unknown {
  return decimal.test(word.trim()) ? Number(word) : word;
}

/** JSON where the word is JSON, else the word. AppError `config_invalid` where it names a key twice or is nested too deep. */
export function parseJsonWord(word: string): unknown {
  try {
    JSON.parse(word);
  } catch {
    return word;
  }
  return parseJson(word, { name: 'the value', invalid: 'config_invalid' });
}

export function integer(minimum: number, maximum: number): Format<number> {
  return format(
    `an integer from ${minimum} to ${maximum}`,
    (value) => Number.isInteger(value) && Number(value) >= minimum && Number(value) <= maximum,
    parseNumber,
  );
}

export interface Range {
  readonly from?: number;
  readonly above?: number;
  readonly to?: number;
  readonly below?: number;
}

export function number(range: Range): Format<number> {
  const { from, above, to, below } = range;
  const lower = from === undefined ? `above ${above}` : `from ${from}`;
  const upper = to === undefined ? `below ${below}` : `to ${to}`;
  const inside = (x: number) =>
    x >= (from ?? -Infinity) &&
    x > (above ?? -Infinity) &&
    x <= (to ?? Infinity) &&
    x < (below ?? Infinity);
  return format(
    `a number ${lower} ${upper}`,
    (value) => typeof value === 'number' && Number.isFinite(value) && inside(value),
    parseNumber,
  );
}

export function flag(): Format<boolean> {
  const words: Readonly<Record<string, boolean>> = { true: true, false: false };
  return format(
    'true or false',
    (value) => typeof value === 'boolean',
    (word) => words[word] ?? word,
  );
}

export function choice<const T extends readonly string[]>(...values: T): Format<T[number]> {
  return format(
    `one of ${values.join(', ')}`,
    (value) => typeof value === 'string' && values.includes(value),
  );
}

export function text(
  allowed = 'a string that is not empty',
  pattern: RegExp = /./s,
  accepts: (value: string) => boolean = (value) => !value.includes('\0'),
): Format<string> {
  return format(
    allowed,
    (value) => typeof value === 'string' && pattern.test(value) && accepts(value),
  );
}

/** A list in JSON, or on the command line also `a,b,c`. Every element has the same format. */
export function list<T>(of: Format<T>): Format<readonly T[]> {
  const allowed = `a list, each ${of.allowed}`;
  return {
    allowed,
    parse: (word) => {
      const value = parseJsonWord(word);
      if (Array.isArray(value)) return value;
      return word.split(',').map((part) => of.parse(part.trim()));
    },
    check: (value) => {
      if (!Array.isArray(value)) return [{ at: '', value, allowed }];
      return value.flatMap((one, i) =>
        of.check(one).map((fault) => ({ ...fault, at: `[${i}]${fault.at}` })),
      );
    },
  };
}

/** The first format that takes the value; `words` are read by the first that accepts the reading. */
export function either<A, B>(first: Format<A>, second: Format<B>): Format<A | B> {
  const allowed = `${first.allowed}, or ${second.allowed}`;
  return {
    allowed,
    parse: (word) => {
      const value = first.parse(word);
      return first.check(value).length === 0 ? value : second.parse(word);
    },
    check: (value) => {
      if (first.check(value).length === 0) return [];
      const faults = second.check(value);
      return faults.some(({ at }) => at === '') ? [{ at: '', value, allowed }] : faults;
    },
  };
}

export function optional<T>(of: Format<T>, meaning: string): Format<T | null> {
  const allowed = `${of.allowed}, or null (${meaning})`;
  return {
    allowed,
    parse: (word) => (word === NOTHING ? null : of.parse(word)),
    check: (value) => {
      if (value === null) return [];
      const note = value === NOTHING ? { note: WITHOUT_QUOTES } : {};
      return of
        .check(value)
        .map((fault) => (fault.at === '' ? { ...fault, allowed, ...note } : fault));
    },
  };
}
