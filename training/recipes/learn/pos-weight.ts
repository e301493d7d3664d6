import type { Config } from '../../../src/config/index.ts';
import { positiveShares } from '../../evaluate/index.ts';

/** A rarer label than 1 in 11 is not made up for entirely: its few texts would drown the others. */
const MOST = 10;

/**
 * The weight of each axis's positive label in the loss: as given, or with `balanced` the negatives
 * for each positive of the training split, between 1/10 and 10.
 *
 * @param labels of the training split, [rows, axes]
 */
export function positiveWeights(
  wanted: Config['train']['pos_weight'],
  labels: ArrayLike<number>,
  width: number,
): readonly number[] | undefined {
  if (wanted === null) return undefined;
  if (wanted !== 'balanced') return wanted;
  return Array.from(positiveShares(labels, width), (share) =>
    Math.min(MOST, Math.max(1 / MOST, (1 - share) / share)),
  );
}
