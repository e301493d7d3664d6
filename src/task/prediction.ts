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
  return task.axes.map((axis, i) => sigmoid((logits[i] ?? Number.NaN) / axis.temperature));
}

/**
 * A text's answer: the mean of the probabilities of its windows, whatever their order. Temperatures act on each
 * window's logits. Serving and measuring average alike: here.
 */
export function meanProbabilities(task: Task, windows: readonly ArrayLike<number>[]): number[] {
  const sums = task.axes.map(() => 0);
  for (const logits of windows) {
    probabilities(task, logits).forEach((p, axis) => {
      sums[axis] = (sums[axis] ?? 0) + p;
    });
  }
  return sums.map((sum) => sum / windows.length);
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
