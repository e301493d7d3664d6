import type { Axis } from '../../src/task/index.ts';
import { confusionOf, type DecisionMetrics, decisionMetrics } from './confusion.ts';
import { type ProbabilityMetrics, probabilityMetrics } from './probability.ts';
import { type RankingMetrics, rankingMetrics } from './ranking.ts';

/** One axis on one set of texts; the positive class is the axis's first label. */
export type AxisMetrics = DecisionMetrics &
  RankingMetrics &
  ProbabilityMetrics & {
    readonly threshold: number;
    /** How many texts have each label. */
    readonly support: Readonly<Record<string, number>>;
  };

/** Names of the figures that are averaged over axes. */
export const averagedMetrics = [
  'accuracy',
  'balanced_accuracy',
  'precision',
  'recall',
  'f1',
  'macro_precision',
  'macro_recall',
  'macro_f1',
  'mcc',
  'roc_auc',
  'average_precision',
  'log_loss',
  'brier',
  'ece',
] as const;

/** Unweighted means over the axes that have the figure; null where none has it. */
export type AverageMetrics = Readonly<
  Record<Exclude<(typeof averagedMetrics)[number], keyof RankingMetrics>, number> & RankingMetrics
>;

export interface Evaluation {
  readonly rows: number;
  readonly axes: Readonly<Record<string, AxisMetrics>>;
  readonly average: AverageMetrics;
  /** Share of the texts that are right on every axis. */
  readonly exact_match: number;
}

/**
 * Metrics of every axis, their average, and how many texts are right on all axes.
 *
 * @param probabilities of each axis's first label, [rows, axes] in row-major order
 * @param labels the same shape: 1 for the axis's first label, else 0
 */
export function evaluateAxes(
  axes: readonly Pick<Axis, 'name' | 'labels' | 'threshold'>[],
  probabilities: ArrayLike<number>,
  labels: ArrayLike<number>,
): Evaluation {
  const rows = labels.length / axes.length;
  const measured = axes.map((axis, i): [string, AxisMetrics] => [
    axis.name,
    axisMetrics(axis, column(probabilities, i, axes.length), column(labels, i, axes.length)),
  ]);
  let exact = 0;
  for (let row = 0; row < rows; row++) {
    const right = axes.every(({ threshold }, i) => {
      const at = row * axes.length + i;
      return (probabilities[at] ?? Number.NaN) >= threshold === (labels[at] === 1);
    });
    if (right) exact++;
  }
  return {
    rows,
    axes: Object.fromEntries(measured),
    average: averageOf(measured.map(([, metrics]) => metrics)),
    exact_match: rows === 0 ? 0 : exact / rows,
  };
}

export function axisMetrics(
  axis: Pick<Axis, 'labels' | 'threshold'>,
  probabilities: ArrayLike<number>,
  labels: ArrayLike<number>,
): AxisMetrics {
  const confusion = confusionOf(labels, probabilities, axis.threshold);
  const [[tn, fp], [fn, tp]] = confusion;
  return {
    ...decisionMetrics(confusion),
    ...rankingMetrics(labels, probabilities),
    ...probabilityMetrics(labels, probabilities),
    threshold: axis.threshold,
    support: { [axis.labels[0]]: fn + tp, [axis.labels[1]]: tn + fp },
  };
}

/** Column `index` of a row-major [rows, width] table. */
export function column(table: ArrayLike<number>, index: number, width: number): Float64Array {
  return Float64Array.from(
    { length: table.length / width },
    (_, row) => table[row * width + index] ?? Number.NaN,
  );
}

function averageOf(axes: readonly AxisMetrics[]): AverageMetrics {
  const entries = averagedMetrics.map((name): [string, number | null] => {
    const values = axes.flatMap((axis) => axis[name] ?? []);
    const sum = values.reduce((total, value) => total + value, 0);
    return [name, values.length === 0 ? null : sum / values.length];
  });
  return Object.fromEntries(entries) as AverageMetrics;
}
