import { AppError } from '../../src/errors.ts';
import { Random } from '../random.ts';
import { jointCode } from './types.ts';

export interface Splits<T> {
  readonly train: T[];
  readonly validation: T[];
  readonly test: T[];
}

export interface SplitFractions {
  /** Of all rows. */
  readonly test: number;
  /** Of the rows that are not test. */
  readonly validation: number;
}

/** With fewer rows, no figure measured on a held-out part would mean anything. */
const MINIMUM_ROWS = 10;

/**
 * Splits by the joint code of the labels: each part has the codes in the same proportions, as far
 * as whole rows allow; rare codes go to the training part first. The same seed and rows give the
 * same parts, each in the source's order. AppError `data_invalid` where there are too few rows.
 */
export function stratifiedSplit<T extends { readonly labels: Float32Array }>(
  examples: readonly T[],
  seed: number,
  fractions: SplitFractions = { test: 0.15, validation: 0.15 },
): Splits<T> {
  if (examples.length < MINIMUM_ROWS) {
    throw new AppError(
      'data_invalid',
      `${examples.length} usable rows are too few to split: expected at least ${MINIMUM_ROWS}`,
    );
  }
  const strata = new Map<string, number[]>();
  for (const [index, example] of examples.entries()) {
    const code = jointCode(example);
    const stratum = strata.get(code);
    if (stratum) stratum.push(index);
    else strata.set(code, [index]);
  }
  const random = new Random(seed, 'split');
  const groups = [...strata].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, group]) => group);
  for (const group of groups) random.shuffle(group);
  const test = takeShare(groups, fractions.test);
  const validation = takeShare(groups, fractions.validation);
  const part = (indices: readonly number[]): T[] =>
    [...indices].sort((a, b) => a - b).map((index) => examples[index] as T);
  return { train: part(groups.flat()), validation: part(validation), test: part(test) };
}

/**
 * Takes a share of all rows off the ends of the groups. Every group gives the whole part of its
 * share; the rows still missing come from the largest remainders, and a group's last row only when
 * nothing else is left.
 */
function takeShare(groups: readonly number[][], fraction: number): number[] {
  const total = groups.reduce((sum, group) => sum + group.length, 0);
  const wanted = Math.max(1, Math.round(total * fraction));
  const byRemainder = groups
    .map((group) => ({ group, remainder: (group.length * fraction) % 1 }))
    .sort((a, b) => b.remainder - a.remainder);
  const taken = groups.flatMap((group) => {
    const whole = Math.min(Math.floor(group.length * fraction), group.length - 1);
    return group.splice(group.length - Math.max(whole, 0));
  });
  for (const least of [2, 1]) {
    for (const { group } of byRemainder) {
      if (taken.length >= wanted) return taken;
      if (group.length >= least) taken.push(...group.splice(-1));
    }
  }
  return taken;
}
