import { meanProbability, type Task } from '../../src/task/index.ts';
import { column } from './evaluate-axes.ts';
import { fitTemperature } from './temperature.ts';
import { tuneThreshold } from './thresholds.ts';

/**
 * The task with temperatures and thresholds fitted to labelled texts, axis by axis: the temperature first, because
 * it moves the probabilities that the threshold cuts.
 *
 * @param windows of each text the logits [axes] of its windows
 * @param labels [rows, axes]: 1 for the axis's first label, else 0
 */
export function calibrate(
  task: Task,
  windows: readonly (readonly ArrayLike<number>[])[],
  labels: ArrayLike<number>,
): Task {
  const axes = task.axes.map((axis, i) => {
    const truth = column(labels, i, task.axes.length);
    const logits = windows.map((text) => text.map((values) => values[i] ?? Number.NaN));
    const temperature = fitTemperature(truth, logits);
    const answers = logits.map((text) => meanProbability({ temperature }, text));
    return { ...axis, temperature, threshold: tuneThreshold(truth, answers) };
  });
  return { ...task, axes };
}
