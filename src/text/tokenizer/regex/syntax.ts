import { shown } from '../../../files/index.ts';

/** A regular expression of JavaScript (flags `gu`), as far as its matches can be found in linear time. */
export type Syntax =
  /** One character; `source` is what JavaScript calls the set. */
  | { readonly kind: 'set'; readonly source: string }
  | { readonly kind: 'sequence'; readonly items: readonly Syntax[] }
  /** The first that leads to a match counts. */
  | { readonly kind: 'choice'; readonly options: readonly Syntax[] }
  | {
      readonly kind: 'repeat';
      readonly item: Syntax;
      readonly least: number;
      readonly most: number;
      readonly lazy: boolean;
    }
  | {
      readonly kind: 'look';
      readonly behind: boolean;
      readonly negated: boolean;
      readonly item: Syntax;
    };

/** Groups within each other; no pattern of a tokenizer is near it. */
const DEEPEST = 100;

const groups = {
  '(?:': undefined,
  '(?=': { behind: false, negated: false },
  '(?!': { behind: false, negated: true },
  '(?<=': { behind: true, negated: false },
  '(?<!': { behind: true, negated: true },
  '(': undefined,
} as const;

const GROUP = /\((?:\?(?:[:=!]|<[=!])|(?!\?))/uy;
const QUANTIFIER = /(?:[*+?]|\{(\d+)(?:(,)(\d*))?\})(\??)/uy;
/** A class, an escaped set or character, or a character. */
const SET =
  /\[(?:[^\\\]]|\\.)*\]|\\(?:[pP]\{[^}]*\}|u\{[^}]*\}|u[0-9a-fA-F]{4}|x[0-9a-fA-F]{2}|c[a-zA-Z]|[^bBkpPuxc1-9])|[^\\()[\]{}*+?|^$]/suy;

/** The parts of a pattern that JavaScript has compiled already. An Error names what cannot be read. */
export function parse(source: string): Syntax {
  const reader = new Reader(source);
  const syntax = reader.choice(0);
  if (reader.rest !== '') throw reader.unread();
  return syntax;
}

class Reader {
  readonly #source: string;
  #at = 0;

  constructor(source: string) {
    this.#source = source;
  }

  get rest(): string {
    return this.#source.slice(this.#at);
  }

  unread(): Error {
    return new Error(`${shown(this.rest.slice(0, 12))} cannot be read`);
  }

  choice(depth: number): Syntax {
    if (depth > DEEPEST) throw new Error(`groups lie in each other more than ${DEEPEST} deep`);
    const options = [this.#sequence(depth)];
    while (this.#source[this.#at] === '|') {
      this.#at++;
      options.push(this.#sequence(depth));
    }
    const [only] = options;
    return only && options.length === 1 ? only : { kind: 'choice', options };
  }

  #sequence(depth: number): Syntax {
    const items: Syntax[] = [];
    for (;;) {
      const next = this.#source[this.#at];
      if (next === undefined || next === '|' || next === ')') break;
      items.push(this.#repeated(this.#atom(depth)));
    }
    const [only] = items;
    return only && items.length === 1 ? only : { kind: 'sequence', items };
  }

  #atom(depth: number): Syntax {
    const [opening] = this.#take(GROUP) ?? [];
    if (opening !== undefined) {
      const item = this.choice(depth + 1);
      if (this.#source[this.#at] !== ')') throw this.unread();
      this.#at++;
      const look = groups[opening as keyof typeof groups];
      return look ? { kind: 'look', ...look, item } : item;
    }
    const [source] = this.#take(SET) ?? [];
    if (source === undefined) throw this.unread();
    return { kind: 'set', source };
  }

  #repeated(item: Syntax): Syntax {
    const found = this.#take(QUANTIFIER);
    if (!found) return item;
    const [sign = '', least, comma, most, lazy] = found;
    const counts = {
      '*': [0, Number.POSITIVE_INFINITY],
      '+': [1, Number.POSITIVE_INFINITY],
      '?': [0, 1],
    }[sign[0] ?? ''] ?? [
      Number(least),
      comma === undefined ? Number(least) : most ? Number(most) : Number.POSITIVE_INFINITY,
    ];
    const [from = 0, to = 0] = counts;
    return { kind: 'repeat', item, least: from, most: to, lazy: lazy === '?' };
  }

  #take(token: RegExp): RegExpExecArray | undefined {
    token.lastIndex = this.#at;
    const found = token.exec(this.#source);
    if (!found) return undefined;
    this.#at = token.lastIndex;
    return found;
  }
}

/** Whether it can match nothing at all. */
export function isNullable(syntax: Syntax): boolean {
  switch (syntax.kind) {
    case 'set':
      return false;
    case 'look':
      return true;
    case 'sequence':
      return syntax.items.every(isNullable);
    case 'choice':
      return syntax.options.some(isNullable);
    case 'repeat':
      return syntax.least === 0 || isNullable(syntax.item);
  }
}
