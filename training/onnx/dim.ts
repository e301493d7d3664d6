import { createHash } from 'node:crypto';
import { bareName } from '../../src/files/index.ts';

/**
 * Dimensions of symbolic shapes: a number, or a polynomial with integer coefficients over named symbols
 * (`batch`, `sequence`, `batch*sequence`, `sequence+1`). Two dimensions are the same exactly when their
 * canonical keys are. A polynomial that grows beyond what any network needs becomes a symbol of its own, the same for
 * the same operands: its value is not known then, and no work is.
 */

/** What a polynomial may have, and how long its text may be. */
const most = { terms: 32, factors: 12, text: 8192, coefficient: 2 ** 64 } as const;

/** Symbols that start so stand for any integer; with one question mark for a dimension, which is 0 or more. */
export const UNBOUNDED = '??';

interface Term {
  readonly coefficient: number;
  /** Sorted; a power repeats its symbol. Empty for the constant term. */
  readonly symbols: readonly string[];
}

export class SymbolicDim {
  readonly terms: readonly Term[];
  /** Canonical text, for example `2*batch*sequence+1`. */
  readonly key: string;

  constructor(terms: readonly Term[]) {
    this.terms = [...terms].sort((a, b) => compareText(termKey(b), termKey(a)));
    this.key = this.terms
      .map((t) =>
        [...(t.coefficient === 1 && t.symbols.length ? [] : [t.coefficient]), ...t.symbols].join(
          '*',
        ),
      )
      .join('+');
  }

  toString(): string {
    return this.key;
  }
}

export type Dim = number | SymbolicDim;
export type Shape = readonly Dim[];

const compareText = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);
const termKey = (term: Term): string => term.symbols.join('*');

const termsOf = (dim: Dim): readonly Term[] =>
  typeof dim === 'number' ? (dim === 0 ? [] : [{ coefficient: dim, symbols: [] }]) : dim.terms;

/** Collects equal terms; a polynomial without symbols becomes a number again. `source` is how it was computed. */
function normalise(terms: readonly Term[], source: () => string): Dim {
  const collected = new Map<string, Term>();
  for (const term of terms) {
    const key = termKey(term);
    const coefficient = (collected.get(key)?.coefficient ?? 0) + term.coefficient;
    collected.set(key, { coefficient, symbols: term.symbols });
  }
  const kept = [...collected.values()].filter((t) => t.coefficient !== 0);
  if (!isSmall(kept)) return symbolicDim(`${UNBOUNDED}${digest(source())}`);
  if (kept.every((t) => t.symbols.length === 0)) return kept[0]?.coefficient ?? 0;
  return new SymbolicDim(kept);
}

function isSmall(terms: readonly Term[]): boolean {
  let text = 0;
  for (const { coefficient, symbols } of terms) {
    if (!Number.isInteger(coefficient) || Math.abs(coefficient) > most.coefficient) return false;
    if (symbols.length > most.factors) return false;
    for (const symbol of symbols) text += symbol.length;
  }
  return terms.length <= most.terms && text <= most.text;
}

const digest = (text: string): string =>
  createHash('sha256').update(text).digest('hex').slice(0, 24);

export const symbolicDim = (name: string): SymbolicDim =>
  new SymbolicDim([{ coefficient: 1, symbols: [name] }]);

export const sameDim = (a: Dim, b: Dim): boolean =>
  typeof a === 'number' || typeof b === 'number' ? a === b : a.key === b.key;

export const sameShape = (a: Shape, b: Shape): boolean =>
  a.length === b.length && a.every((dim, i) => sameDim(dim, b[i] ?? -1));

export const addDims = (a: Dim, b: Dim): Dim => sumDims([a, b]);

export const sumDims = (dims: Shape): Dim =>
  normalise(dims.flatMap(termsOf), () => `+ ${dims.map(String).sort(compareText).join(' ')}`);

export const subtractDims = (a: Dim, b: Dim): Dim => addDims(a, multiplyDims(b, -1));

export const multiplyDims = (a: Dim, b: Dim): Dim =>
  normalise(
    termsOf(a).flatMap((x) =>
      termsOf(b).map((y) => ({
        coefficient: x.coefficient * y.coefficient,
        symbols: [...x.symbols, ...y.symbols].sort(compareText),
      })),
    ),
    () => `* ${[a, b].map(String).sort(compareText).join(' ')}`,
  );

export const productOf = (dims: Shape): Dim => dims.reduce<Dim>(multiplyDims, 1);

/** a / b where the division is exact for every value of the symbols and b is a single term; else undefined. */
export function divideDims(a: Dim, b: Dim): Dim | undefined {
  if (sameDim(a, b)) return 1;
  const [divisor, ...more] = termsOf(b);
  if (divisor === undefined || more.length > 0) return undefined;
  const quotient: Term[] = [];
  for (const term of termsOf(a)) {
    const symbols = [...term.symbols];
    for (const symbol of divisor.symbols) {
      const at = symbols.indexOf(symbol);
      if (at < 0) return undefined;
      symbols.splice(at, 1);
    }
    const coefficient = term.coefficient / divisor.coefficient;
    if (!Number.isInteger(coefficient)) return undefined;
    quotient.push({ coefficient, symbols });
  }
  return normalise(quotient, () => `/ ${a} ${b}`);
}

export const isStatic = (shape: Shape): shape is readonly number[] =>
  shape.every((dim) => typeof dim === 'number');

/** For messages. */
export const formatShape = (shape: Shape | undefined): string =>
  shape === undefined ? '[?]' : `[${shape.map((dim) => bareName(String(dim))).join(', ')}]`;
