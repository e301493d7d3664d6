import type { Manifest } from '../../../src/bundle/index.ts';
import type { Config } from '../../../src/config/index.ts';
import { AppError } from '../../../src/errors.ts';
import { minimumLength, type Task } from '../../../src/task/index.ts';

/** A task that also remembers which columns it was learnt from. */
export type TaskWithColumns = Omit<Task, 'axes'> & {
  readonly text_column?: string;
  readonly label_column?: string;
  readonly axes: readonly (Task['axes'][number] & { readonly column?: string })[];
};

/** For the manifest: other labelled texts of the task can then be read without its configuration. */
export function withColumns(task: Task, config: Config['task']): TaskWithColumns {
  const { text_column: text, label_column: label } = config;
  return {
    ...task,
    text_column: text,
    ...(label === null ? {} : { label_column: label }),
    axes: task.axes.map((axis, i) => {
      const column = config.axes[i]?.column;
      return { ...axis, ...(column === undefined ? {} : { column }) };
    }),
  };
}

export interface ColumnChoice {
  readonly textColumn: string | undefined;
  readonly labelColumn: string | undefined;
}

/** Configuration values that read labelled texts of a bundle's task. AppError `usage`. */
export function taskSettings(manifest: Manifest, chosen: ColumnChoice): Record<string, unknown> {
  const task: TaskWithColumns = manifest.task;
  const label = chosen.labelColumn ?? task.label_column;
  const axes = task.axes.map(({ name, labels, column }) => ({
    name,
    labels,
    ...(label === undefined && column !== undefined ? { column } : {}),
  }));
  const text = chosen.textColumn ?? task.text_column;
  if (text === undefined) {
    throw new AppError(
      'usage',
      `the bundle ${manifest.name} does not say which column has the text`,
      {
        hint: 'name it with --text-column, and that of the labels with --label-column',
      },
    );
  }
  return {
    'task.name': task.name,
    'task.text_column': text,
    'task.label_column': label,
    'task.axes': axes,
    'data.clean': task.cleaning,
    'data.min_length': minimumLength(task),
  };
}
