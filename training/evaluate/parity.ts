import type { Axis } from '../../src/task/index.ts';
import { Random } from '../random.ts';
import { type Confusion, confusionOf, decisionMetrics } from './confusion.ts';
import { column } from './evaluate-axes.ts';

/** How far one model's answers lie from another's on the same texts. */
export interface Parity {
  readonly texts: number;
  /** One for each text and axis. */
  readonly decisions: number;
  /** Share of the decisions that are the same. */
  readonly agreement: number;
  /** |Δp|: the mean and the largest over texts and axes. */
  readonly mean_dp: number;
  readonly max_dp: number;
  /** Macro-F1 of the second model less that of the first, averaged over the axes. */
  readonly macro_f1_change: number;
  /** Its 95 % interval: percentiles of 1000 samples of the texts, both models on the same. */
  readonly macro_f1_interval: readonly [number, number];
}

const SAMPLES = 1000;

/**
 * @param before the first model's probabilities of each axis's first label, [rows, axes]
 * @param after the second model's
 * @param labels 1 for the axis's first label, else 0; the same shape
 * @param seed decides the samples
 */
export function parityOf(
  axes: readonly Pick<Axis, 'threshold'>[],
  before: Float64Array,
  after: Float64Array,
  labels: ArrayLike<number>,
  seed: number,
): Parity {
  const width = axes.length;
  const rows = before.length / width;
  let [same, sum, most] = [0, 0, 0];
  for (const [i, p] of before.entries()) {
    const q = after[i] ?? Number.NaN;
    const threshold = axes[i % width]?.threshold ?? 0.5;
    if (p >= threshold === q >= threshold) same++;
    sum += Math.abs(p - q);
    most = Math.max(most, Math.abs(p - q));
  }
  const pairs = axes.map(({ threshold }, axis) => {
    const truth = column(labels, axis, width);
    return {
      truth,
      before: column(before, axis, width).map((p) => (p >= threshold ? 1 : 0)),
      after: column(after, axis, width).map((p) => (p >= threshold ? 1 : 0)),
    };
  });
  const everyRow = Uint32Array.from({ length: rows }, (_, row) => row);
  return {
    texts: rows,
    decisions: before.length,
    agreement: same / before.length,
    mean_dp: sum / before.length,
    max_dp: most,
    macro_f1_change: f1Change(pairs, everyRow),
    macro_f1_interval: interval(pairs, rows, new Random(seed, 'bootstrap')),
  };
}

/** Labels and both models' decisions on one axis, 1 or 0 each. */
interface Decisions {
  readonly truth: Float64Array;
  readonly before: Float64Array;
  readonly after: Float64Array;
}

function interval(pairs: readonly Decisions[], rows: number, random: Random): [number, number] {
  const changes = Float64Array.from({ length: SAMPLES }, () =>
    f1Change(
      pairs,
      Uint32Array.from({ length: rows }, () => random.int(rows)),
    ),
  ).sort();
  const at = (share: number) => changes[Math.round(share * (SAMPLES - 1))] ?? Number.NaN;
  return [at(0.025), at(0.975)];
}

/** Over the rows of a sample, the mean over axes. */
function f1Change(pairs: readonly Decisions[], rows: Uint32Array): number {
  const macroF1 = (truth: Float64Array, decisions: Float64Array): number =>
    decisionMetrics(confusionOfRows(truth, decisions, rows)).macro_f1;
  const changes = pairs.map(
    ({ truth, before, after }) => macroF1(truth, after) - macroF1(truth, before),
  );
  return changes.reduce((sum, change) => sum + change, 0) / pairs.length;
}

function confusionOfRows(
  truth: Float64Array,
  decisions: Float64Array,
  rows: Uint32Array,
): Confusion {
  const pick = (table: Float64Array) => Array.from(rows, (row) => table[row] ?? 0);
  return confusionOf(pick(truth), pick(decisions), 0.5);
}
