import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { packageRoot } from '../../src/package-root.ts';

interface Fault {
  readonly operator: string;
  readonly line: number;
  readonly on: string;
}

/** The scripts are plain JavaScript and have no declarations. */
const {
  faultsIn,
  planted,
}: {
  faultsIn(source: string, file: string): Fault[];
  planted(source: string, fault: Fault): string;
} = await import(join(packageRoot, 'scripts/mutate/faults.mjs'));

/** The sources that an operator makes of one. */
function made(source: string, operator: string): string[] {
  return faultsIn(source, 'a.ts')
    .filter((fault) => fault.operator === operator)
    .map((fault) => planted(source, fault));
}

describe('the faults that npm run mutate plants', () => {
  it.each([
    ['a factor of 1.01', 'const a = 2;', ['const a = 2.02;']],
    ['off by one', 'const a = 2;', ['const a = 3;']],
    ['a boundary', 'if (a < b) f();', ['if (a <= b) f();']],
    ['another operator', 'const a = b - c;', ['const a = b + c;']],
    ['another operator', "const a = 'b' + c;", []],
    ['the other connective', 'const a = b && c;', ['const a = b || c;']],
    ['no default', 'const a = b ?? c;', ['const a = (b);', 'const a = (c);']],
    ['a condition negated', 'const a = b ? 1 : 2;', ['const a = !(b) ? 1 : 2;']],
    ['no sign', 'const a = -b;', ['const a = (b);']],
    ['a statement left out', 'f(); g();', ['; g();', 'f(); ;']],
    ['a property left out', 'f({ a: 1, b })', ['f({  b })', 'f({ a: 1,  })']],
    ['elements exchanged', 'f([a, b])', ['f([b, a])']],
    ['arguments exchanged', 'f(a, b)', ['f(b, a)']],
    ['arguments exchanged', 'Math.max(a, b)', []],
    ['a sibling method', 'Math.min(a)', ['Math.max(a)']],
    ['a sibling method', 'a.toString()', []],
  ])('%s in %s', (operator, source, expected) => {
    expect(made(source, operator)).toEqual(expected);
  });

  it('stand at the right place behind characters of several bytes', () => {
    expect(made("const é = '😀'; const a = b < c;", 'a boundary')).toEqual([
      "const é = '😀'; const a = b <= c;",
    ]);
  });

  it('name their line', () => {
    const [fault] = faultsIn("const é = '😀';\n  const a = b < c;\n", 'a.ts');
    expect(fault).toMatchObject({ line: 2, on: 'const a = b < c;' });
  });

  it('leave types alone', () => {
    expect(faultsIn('type A = 1 | 2; let a: [1, 2];', 'a.ts')).toEqual([]);
  });
});
