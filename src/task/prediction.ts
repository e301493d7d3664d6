import { type Axis, MBTI, type Task } from './task.ts';

export interface Dimension {
  readonly dimension: string;
  /** The probability of the axis's first label. */
  readonly score: number;
  readonly label: string;
}

/** One text's answer, without the model and usage that the server adds. */
export interface Prediction {
  /** The labels in order put together, for the MBTI task only. */
  readonly mbti_type?: string;
  /** The labels in order joined by `/`, for every other task. */
  readonly label?: string;
  readonly dimensions: Dimension[];
  /** Both labels of every axis; a label that two axes share stands as `axis:label`. */
  readonly probabilities: Record<string, number>;
}

/** sigma(logit / temperature): the probability of each axis's labels[0], in the axes' order. */
export function probabilities(task: Task, logits: ArrayLike<number>): number[] {
  return meanProbabilities(task, [logits]);
}

/**
 * A text's answer from the logits [axes] of its windows: of each axis's labels[0], in the axes' order. Serving and
 * measuring average alike: here.
 */
export function meanProbabilities(task: Task, windows: readonly ArrayLike<number>[]): number[] {
  return task.axes.map((axis, i) =>
    meanProbability(
      axis,
      windows.map((logits) => logits[i] ?? Number.NaN),
    ),
  );
}

/** Of one axis: the mean over windows, whatever their order, of sigma(logit / temperature). */
export function meanProbability(
  { temperature }: Pick<Axis, 'temperature'>,
  logits: readonly number[],
): number {
  let sum = 0;
  for (const logit of logits) sum += sigmoid(logit / temperature);
  return sum / logits.length;
}

/** The answer for one text from the probabilities of the axes' first labels. */
export function toPrediction(task: Task, probabilities: readonly number[]): Prediction {
  const dimensions = task.axes.map((axis, i) => {
    const score = probabilities[i] ?? Number.NaN;
    return { dimension: axis.name, score, label: axis.labels[score >= axis.threshold ? 0 : 1] };
  });
  const labels = dimensions.map(({ label }) => label);
  const shared = sharedLabels(task.axes);
  const keyOf = (axis: Axis, label: string) =>
    shared.has(label) ? `${axis.name}:${label}` : label;
  const entries = task.axes.flatMap((axis, i): [string, number][] => {
    const score = dimensions[i]?.score ?? Number.NaN;
    return [
      [keyOf(axis, axis.labels[0]), score],
      [keyOf(axis, axis.labels[1]), 1 - score],
    ];
  });
  return {
    ...(task.name === MBTI ? { mbti_type: labels.join('') } : { label: labels.join('/') }),
    dimensions,
    probabilities: Object.fromEntries(entries),
  };
}

function sigmoid(x: number): number {
  return 1 / (1 + Math.exp(-x));
}

function sharedLabels(axes: readonly Axis[]): ReadonlySet<string> {
  const all = axes.flatMap((axis) => axis.labels);
  return new Set(all.filter((label, i) => all.indexOf(label) !== i));
}
