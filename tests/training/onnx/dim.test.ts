import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import {
  addDims,
  type Dim,
  divideDims,
  multiplyDims,
  productOf,
  sameDim,
  subtractDims,
  sumDims,
  symbolicDim,
  UNBOUNDED,
} from '../../../training/onnx/dim.ts';

const symbols = ['batch', 'sequence', 'past'] as const;
type Values = Readonly<Record<(typeof symbols)[number], number>>;

/** A dimension and how it is computed from the symbols' values. */
interface Expression {
  readonly dim: Dim;
  readonly at: (values: Values) => number;
}

const leaf: fc.Arbitrary<Expression> = fc.oneof(
  fc.integer({ min: -4, max: 6 }).map((n): Expression => ({ dim: n, at: () => n })),
  fc
    .constantFrom(...symbols)
    .map((name): Expression => ({ dim: symbolicDim(name), at: (values) => values[name] })),
);

const operations = {
  '+': { dims: addDims, numbers: (a: number, b: number) => a + b },
  '-': { dims: subtractDims, numbers: (a: number, b: number) => a - b },
  '*': { dims: multiplyDims, numbers: (a: number, b: number) => a * b },
};

const { expression } = fc.letrec<{ expression: Expression }>((tie) => ({
  expression: fc.oneof(
    { maxDepth: 3, depthSize: 'small' },
    leaf,
    fc
      .tuple(fc.constantFrom('+', '-', '*'), tie('expression'), tie('expression'))
      .map(([name, a, b]): Expression => {
        const { dims, numbers } = operations[name as keyof typeof operations];
        return { dim: dims(a.dim, b.dim), at: (values) => numbers(a.at(values), b.at(values)) };
      }),
  ),
}));

const some = fc.record({
  batch: fc.integer({ min: 1, max: 9 }),
  sequence: fc.integer({ min: 1, max: 9 }),
  past: fc.integer({ min: 0, max: 9 }),
});

/** The value of a canonical polynomial; its text alone is read. */
function numberAt(dim: Dim, values: Values): number {
  return String(dim)
    .split(/\+/)
    .filter((term) => term !== '')
    .map((term) =>
      term
        .split('*')
        .reduce(
          (product, factor) => product * (values[factor as keyof Values] ?? Number(factor)),
          1,
        ),
    )
    .reduce((sum, term) => sum + term, 0);
}

describe('a symbolic dimension', () => {
  it('is what its symbols say, for all their values', () => {
    fc.assert(
      fc.property(expression, some, ({ dim, at }, values) => {
        // There is no zero with a sign.
        expect(numberAt(dim, values) + 0).toBe(at(values) + 0);
      }),
    );
  });

  it('is a number where no symbol is left', () => {
    fc.assert(
      fc.property(expression, ({ dim }) => {
        expect(subtractDims(dim, dim)).toBe(0);
        expect(multiplyDims(dim, 0)).toBe(0);
      }),
    );
  });

  it('is the same however it was computed', () => {
    fc.assert(
      fc.property(expression, expression, expression, ({ dim: a }, { dim: b }, { dim: c }) => {
        const same = (x: Dim, y: Dim) =>
          expect([String(x), sameDim(x, y)]).toEqual([String(y), true]);
        same(addDims(a, b), addDims(b, a));
        same(addDims(addDims(a, b), c), sumDims([a, b, c]));
        same(multiplyDims(a, b), multiplyDims(b, a));
        same(multiplyDims(multiplyDims(a, b), c), productOf([c, a, b]));
        same(multiplyDims(a, addDims(b, c)), addDims(multiplyDims(a, b), multiplyDims(a, c)));
        same(addDims(subtractDims(a, b), b), a);
      }),
    );
  });

  it('is another one where any values tell them apart', () => {
    fc.assert(
      fc.property(expression, expression, some, (a, b, values) => {
        if (a.at(values) !== b.at(values)) expect(sameDim(a.dim, b.dim)).toBe(false);
      }),
    );
  });

  it('is divided where that is exact for all values, and not at all elsewhere', () => {
    const divisor = fc
      .tuple(fc.integer({ min: 1, max: 4 }), fc.subarray([...symbols]))
      .map(([n, names]) => productOf([n, ...names.map(symbolicDim)]));
    fc.assert(
      fc.property(expression, divisor, ({ dim }, by) => {
        const product = multiplyDims(dim, by);
        if (product !== 0) expect(String(divideDims(product, by))).toBe(String(dim));
        const quotient = divideDims(dim, by);
        if (quotient !== undefined) expect(String(multiplyDims(quotient, by))).toBe(String(dim));
      }),
    );
    expect(divideDims(addDims(symbolicDim('batch'), 1), 2)).toBeUndefined();
    expect(divideDims(symbolicDim('batch'), symbolicDim('sequence'))).toBeUndefined();
    expect(divideDims(4, addDims(symbolicDim('batch'), 1))).toBeUndefined();
  });

  it('beyond what networks need is a symbol of its own, the same for the same operands', () => {
    const sum = sumDims(symbols.map(symbolicDim));
    const grown = Array.from({ length: 14 }).reduce<Dim>((dim) => multiplyDims(dim, sum), 1);
    const again = Array.from({ length: 14 }).reduce<Dim>((dim) => multiplyDims(sum, dim), 1);
    expect(String(grown).includes(UNBOUNDED)).toBe(true);
    expect(sameDim(grown, again)).toBe(true);
    expect(sameDim(grown, multiplyDims(grown, sum))).toBe(false);
  });
});
