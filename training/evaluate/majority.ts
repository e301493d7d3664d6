import type { Axis } from '../../src/task/index.ts';
import { type Evaluation, evaluateAxes } from './evaluate-axes.ts';

/**
 * The baseline that every result stands beside: each axis answers its more frequent label of the
 * training split, with that label's share as the probability (scikit-learn's DummyClassifier, `prior`).
 *
 * @param training labels of the training split, [rows, axes] in row-major order
 * @param labels labels to measure on, of the same layout
 */
export function majorityBaseline(
  axes: readonly Pick<Axis, 'name' | 'labels'>[],
  training: ArrayLike<number>,
  labels: ArrayLike<number>,
): Evaluation {
  const shares = positiveShares(training, axes.length);
  const probabilities = Float64Array.from(
    { length: labels.length },
    (_, i) => shares[i % axes.length] ?? Number.NaN,
  );
  return evaluateAxes(
    axes.map(({ name, labels }) => ({ name, labels, threshold: 0.5 })),
    probabilities,
    labels,
  );
}

/** The share of each axis's first label; labels are [rows, width] in row-major order. */
export function positiveShares(labels: ArrayLike<number>, width: number): Float64Array {
  const shares = new Float64Array(width);
  const rows = labels.length / width;
  for (let i = 0; i < labels.length; i++) {
    shares[i % width] = (shares[i % width] ?? 0) + (labels[i] ?? 0) / rows;
  }
  return shares;
}
