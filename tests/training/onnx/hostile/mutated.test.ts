import { describe, expect, it } from '@jest/globals';
import { Random } from '../../../../training/random.ts';
import { graphFiles, operatorFiles, violationsOf } from './corpus.ts';
import { damaged, mutated } from './mutations.ts';

describe('a model is worked with or refused by name, and nothing of it acts on a terminal', () => {
  it.each([0, 1, 2])('where fields of a small graph are changed (%i)', (part) => {
    expect(violationsOf(operatorFiles, mutated, 100 * part, 100)).toEqual([]);
  });

  it('where bytes of a small graph are changed', () => {
    expect(violationsOf(operatorFiles, damaged, 0, 200)).toEqual([]);
  });

  it('where fields of an encoder are changed', () => {
    expect(violationsOf(graphFiles, mutated, 0, 8)).toEqual([]);
  });
});

describe('the harness', () => {
  it('changes a model the same for the same seed, and otherwise for another', () => {
    const [bytes = new Uint8Array()] = operatorFiles.map((file) => file.bytes);
    for (const change of [mutated, damaged]) {
      const of = (seed: number) => change(bytes, new Random('hostile', seed));
      expect(of(3)).toEqual(of(3));
      expect(Array.from({ length: 5 }, (_, i) => of(i)).some((one) => one < of(9))).toBe(true);
    }
  });

  it('tells a work that fails with another error', () => {
    const broken = () => {
      throw new RangeError('Maximum call stack size exceeded');
    };
    expect(violationsOf(operatorFiles, (bytes) => bytes, 0, 1, { broken })).toEqual([
      expect.stringMatching(/broken: RangeError: Maximum call stack/),
    ]);
  });

  it.each([
    'x\u001b[2J',
    'x\nerror: forged',
    'x\n    at Object.<anonymous> (x.js:1:1)',
    'left\u202eright',
  ])('tells a work that prints what a name should not: %j', (text) => {
    expect(violationsOf(operatorFiles, (bytes) => bytes, 0, 1, { prints: () => text })).toEqual([
      expect.stringContaining('prints: printed'),
    ]);
  });
});
