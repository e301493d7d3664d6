import type { Axis, Task } from '../../src/task/index.ts';

/**
 * A Hugging Face `config.json` of a multi-label classifier: the encoder's own fields, and one label
 * for each logit. A logit's label is the axis's positive one; where two axes share that, the axis
 * stands before it (`E/I:E`).
 */
export function classifierConfig(
  encoder: Readonly<Record<string, unknown>>,
  task: Pick<Task, 'axes'>,
): Record<string, unknown> {
  const labels = logitLabels(task.axes);
  return {
    architectures: ['DistilBertForSequenceClassification'],
    model_type: 'distilbert',
    ...encoder,
    problem_type: 'multi_label_classification',
    num_labels: labels.length,
    id2label: Object.fromEntries(labels.map((label, i) => [String(i), label])),
    label2id: Object.fromEntries(labels.map((label, i) => [label, i])),
  };
}

function logitLabels(axes: readonly Axis[]): string[] {
  const positive = axes.map((axis) => axis.labels[0]);
  return axes.map(({ name, labels: [label] }) =>
    positive.filter((other) => other === label).length > 1 ? `${name}:${label}` : label,
  );
}
