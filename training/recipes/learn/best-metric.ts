import type { Config } from '../../../src/config/index.ts';
import type { Evaluation } from '../../evaluate/index.ts';
import type { Best } from '../run/state.ts';

type BestMetric = Config['train']['best_metric'];

/** Less is better of these, more of all others. */
const lessIsBetter: ReadonlySet<BestMetric> = new Set(['loss', 'log_loss', 'brier']);

/**
 * The number of a validation that `train.best_metric` names, the mean over the axes. Where there is none, as no AUC of
 * texts that all have one label, it is worse than any; a number all the same, because checkpoints hold it as JSON.
 *
 * @param loss the objective of training on the same texts: weighted by `train.pos_weight`, where `log_loss` is not
 */
export function metricValue(metric: BestMetric, { average }: Evaluation, loss: number): number {
  const value = metric === 'loss' ? loss : average[metric];
  if (value !== null && Number.isFinite(value)) return value;
  return lessIsBetter.has(metric) ? Number.MAX_VALUE : -Number.MAX_VALUE;
}

/** Whether a validation is better than the best so far; among equals, as where all axes give their majority, by the loss. */
export function isBetter(metric: BestMetric, found: Best, best: Best | undefined): boolean {
  if (!best) return true;
  if (found.value === best.value) return found.loss < best.loss;
  return lessIsBetter.has(metric) ? found.value < best.value : found.value > best.value;
}
