import type { AverageMetrics, Evaluation } from './evaluate-axes.ts';

/** Columns of the table: heading and figure. */
const columns = [
  ['accuracy', 'accuracy'],
  ['macro-F1', 'macro_f1'],
  ['balanced', 'balanced_accuracy'],
  ['ROC AUC', 'roc_auc'],
  ['log loss', 'log_loss'],
  ['ECE', 'ece'],
] as const satisfies readonly (readonly [string, keyof AverageMetrics])[];

/** Columns of the baseline beside them. */
const baselineColumns = [
  ['majority: accuracy', 'accuracy'],
  ['macro-F1', 'macro_f1'],
  ['log loss', 'log_loss'],
] as const satisfies readonly (readonly [string, keyof AverageMetrics])[];

/** A table for the terminal: a row for each axis and their average, the majority class beside them. */
export function evaluationTable(evaluation: Evaluation, majority?: Evaluation): string {
  const lines = ['', ...Object.keys(evaluation.axes), 'average'];
  const head = [...columns.map(([title]) => title), ...baselineTitles(majority)];
  const body = lines
    .slice(1)
    .map((name) => [
      ...columns.map(([, figure]) => shown(rowOf(evaluation, name)[figure])),
      ...(majority ? baselineColumns.map(([, key]) => shown(rowOf(majority, name)[key])) : []),
    ]);
  const first = Math.max(...lines.map((name) => name.length));
  const widths = head.map((title, i) => Math.max(title.length, ...body.map((r) => len(r[i]))));
  const table = [head, ...body].map((cells, row) =>
    [
      (lines[row] ?? '').padEnd(first),
      ...cells.map((cell, i) => cell.padStart(widths[i] ?? 0)),
    ].join('  '),
  );
  return [...table, exactLine(evaluation, majority)].join('\n');
}

function baselineTitles(majority: Evaluation | undefined): string[] {
  return majority ? baselineColumns.map(([title]) => title) : [];
}

function rowOf(evaluation: Evaluation, name: string): AverageMetrics {
  return evaluation.axes[name] ?? evaluation.average;
}

function exactLine(evaluation: Evaluation, majority: Evaluation | undefined): string {
  const beside = majority ? `, majority ${percent(majority.exact_match)}` : '';
  const all = Object.keys(evaluation.axes).length > 1 ? 'right on every axis' : 'right';
  return `${evaluation.rows} texts, ${percent(evaluation.exact_match)} ${all}${beside}`;
}

function shown(value: number | null): string {
  return value === null ? '–' : value.toFixed(3);
}

function percent(share: number): string {
  return `${(100 * share).toFixed(1)} %`;
}

function len(text: string | undefined): number {
  return text?.length ?? 0;
}
