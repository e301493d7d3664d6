import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { stratifiedSplit } from '../../../training/data/index.ts';

interface Row {
  readonly id: number;
  readonly labels: Float32Array;
}

/** Rows whose joint codes are the binary digits of the given numbers. */
const rowsOf = (codes: readonly number[]): Row[] =>
  codes.map((code, id) => ({
    id,
    labels: Float32Array.of(code & 1, (code >> 1) & 1, (code >> 2) & 1),
  }));

const codesOf = (count: number) => Array.from({ length: count }, (_, i) => (i * i) % 8);
const ids = (rows: readonly Row[]) => rows.map(({ id }) => id);

describe('a stratified split', () => {
  it('is the same for the same seed, and another for another', () => {
    const rows = rowsOf(codesOf(200));
    const test = (seed: number) => ids(stratifiedSplit(rows, seed).test);
    expect(test(1)).toEqual(test(1));
    expect(test(1)).not.toEqual(test(2));
  });

  it('holds out 15 % for the test and 15 % of the rest for validation', () => {
    const { train, validation, test } = stratifiedSplit(rowsOf(codesOf(1000)), 42);
    expect([test.length, validation.length, train.length]).toEqual([150, 128, 722]);
  });

  it('takes other shares', () => {
    const shares = { test: 0.3, validation: 0.5 };
    const { train, validation, test } = stratifiedSplit(rowsOf(codesOf(100)), 42, shares);
    expect([test.length, validation.length, train.length]).toEqual([30, 35, 35]);
  });

  it('has every row in one part, and every code in training', () => {
    const codes = fc.array(fc.nat(7), { minLength: 10, maxLength: 300 });
    fc.assert(
      fc.property(codes, fc.nat(), (list, seed) => {
        const { train, validation, test } = stratifiedSplit(rowsOf(list), seed);
        const all = ids([...train, ...validation, ...test]);
        expect(all.sort((a, b) => a - b)).toEqual(list.map((_, id) => id));
        expect(test).toHaveLength(Math.round(list.length * 0.15));
        const learnt = new Set(train.map(({ id }) => list[id]));
        if (new Set(list).size <= train.length / 2) expect(learnt).toEqual(new Set(list));
      }),
    );
  });

  it('has every code in proportion, to the row', () => {
    const counts = fc.array(fc.integer({ min: 14, max: 100 }), { minLength: 2, maxLength: 8 });
    fc.assert(
      fc.property(counts, fc.nat(), (sizes, seed) => {
        const list = sizes.flatMap((size, code) => new Array<number>(size).fill(code));
        const { test, validation } = stratifiedSplit(rowsOf(list), seed);
        for (const [code, size] of sizes.entries()) {
          const count = (part: readonly Row[]) => part.filter(({ id }) => list[id] === code).length;
          expect(Math.abs(count(test) - size * 0.15)).toBeLessThan(1);
          expect(Math.abs(count(validation) - (size - count(test)) * 0.15)).toBeLessThan(1);
        }
      }),
    );
  });

  it('manages where every code occurs once', () => {
    const rows = Array.from({ length: 16 }, (_, id) => ({
      id,
      labels: Float32Array.of(id & 1, (id >> 1) & 1, (id >> 2) & 1, id >> 3),
    }));
    const { train, validation, test } = stratifiedSplit(rows, 42);
    expect([test.length, validation.length, train.length]).toEqual([2, 2, 12]);
  });

  it('refuses too few rows', () => {
    expect(() => stratifiedSplit(rowsOf(codesOf(9)), 42)).toThrow(
      '9 usable rows are too few to split: expected at least 10',
    );
  });
});
