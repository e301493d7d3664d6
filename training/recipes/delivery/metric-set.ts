import type { MetricSet } from '../../../src/bundle/index.ts';
import type { Evaluation } from '../../evaluate/index.ts';

/** An evaluation as a manifest holds it: its numbers; what is null or a table is left out. */
export function metricSet({ axes, average, exact_match, rows }: Evaluation): MetricSet {
  return {
    axes: Object.fromEntries(Object.entries(axes).map(([name, one]) => [name, numbersOf(one)])),
    average: { ...numbersOf(average), exact_match, rows },
  };
}

/** Of an evaluation, what a temperature is there to change. */
export function calibrationSet({ axes, average }: Evaluation): MetricSet {
  const pick = ({ log_loss, brier, ece }: Evaluation['average']) => ({ log_loss, brier, ece });
  return {
    axes: Object.fromEntries(Object.entries(axes).map(([name, one]) => [name, pick(one)])),
    average: pick(average),
  };
}

function numbersOf(metrics: object): Record<string, number> {
  return Object.fromEntries(
    Object.entries(metrics).filter(
      (entry): entry is [string, number] => typeof entry[1] === 'number',
    ),
  );
}
