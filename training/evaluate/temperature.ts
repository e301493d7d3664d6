import { meanProbability } from '../../src/task/index.ts';
import { probabilityMetrics } from './probability.ts';

/** Whatever the texts say: a quarter makes a probability of 0.8 one of 0.996, sixteen one of 0.52. */
const LEAST = 1 / 4;
const MOST = 16;

/** Steps of the first look, equal in the logarithm; the objective of averaged windows need not have one valley. */
const GRID = 32;

/** Golden sections of what is left after it: down to a hundred-thousandth. */
const REFINEMENTS = 20;
const GOLDEN = (Math.sqrt(5) - 1) / 2;

/**
 * The temperature whose answers have the least log loss on these texts (Guo et al. 2017, "On Calibration of Modern
 * Neural Networks"): as they are served, each window's logit divided by it and the windows' probabilities averaged.
 * It is fitted to Platt's targets (1999), (n₊+1)/(n₊+2) and 1/(n₋+2) in place of 1 and 0: that keeps few texts, and texts that
 * are all answered right, from asking for certainty. 1 where that is not better than 1, or a label is missing.
 *
 * @param labels 1 for the axis's first label, else 0
 * @param windows of each text the logits of its windows
 */
export function fitTemperature(
  labels: ArrayLike<number>,
  windows: readonly (readonly number[])[],
): number {
  const positive = Array.from(labels).filter((label) => label === 1).length;
  const negative = labels.length - positive;
  if (positive === 0 || negative === 0) return 1;
  const targets = [1 / (negative + 2), (positive + 1) / (positive + 2)] as const;
  const answers = (temperature: number): number[] =>
    windows.map((logits) => meanProbability({ temperature }, logits));
  const objective = (logTemperature: number): number =>
    answers(Math.exp(logTemperature)).reduce((sum, p, i) => {
      const y = targets[labels[i] === 1 ? 1 : 0];
      const clipped = Math.min(Math.max(p, Number.EPSILON), 1 - Number.EPSILON);
      return sum - y * Math.log(clipped) - (1 - y) * Math.log1p(-clipped);
    }, 0);
  const best = Math.exp(minimumOf(objective, Math.log(LEAST), Math.log(MOST)));
  const logLoss = (temperature: number): number =>
    probabilityMetrics(labels, answers(temperature)).log_loss;
  return logLoss(best) < logLoss(1) ? best : 1;
}

/** Where a function is least between two numbers: the best of a grid, refined by golden sections. */
function minimumOf(f: (x: number) => number, from: number, to: number): number {
  const step = (to - from) / GRID;
  const grid = Array.from({ length: GRID + 1 }, (_, i) => from + i * step);
  const values = grid.map(f);
  const centre = grid[values.indexOf(Math.min(...values))] ?? 0;
  let [low, high] = [Math.max(centre - step, from), Math.min(centre + step, to)];
  for (let i = 0; i < REFINEMENTS; i++) {
    const [a, b] = [high - GOLDEN * (high - low), low + GOLDEN * (high - low)];
    if (f(a) <= f(b)) high = b;
    else low = a;
  }
  return (low + high) / 2;
}
