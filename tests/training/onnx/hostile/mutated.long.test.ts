import { describe, expect, it } from '@jest/globals';
import { graphFiles, operatorFiles, violationsOf } from './corpus.ts';
import { damaged, mutated } from './mutations.ts';

const PART = 1000;
const MINUTES = 60_000;

/** Beyond the seeds of the short test. */
const parts = Array.from({ length: 10 }, (_, part) => 10_000 + part * PART);

describe('ten thousand models of each kind are worked with or refused by name', () => {
  it.each(parts)(
    'with changed fields, from seed %i',
    (from) => {
      expect(violationsOf(operatorFiles, mutated, from, PART)).toEqual([]);
    },
    5 * MINUTES,
  );

  it.each(parts)(
    'with changed bytes, from seed %i',
    (from) => {
      expect(violationsOf(operatorFiles, damaged, from, PART)).toEqual([]);
    },
    5 * MINUTES,
  );
});

describe('five hundred encoders are worked with or refused by name', () => {
  it.each([0, 1, 2, 3, 4])(
    'with changed fields (%i)',
    (part) => {
      expect(violationsOf(graphFiles, mutated, 10_000 + 100 * part, 100)).toEqual([]);
    },
    10 * MINUTES,
  );

  it(
    'with changed bytes',
    () => {
      expect(violationsOf(graphFiles, damaged, 10_000, 500)).toEqual([]);
    },
    10 * MINUTES,
  );
});
