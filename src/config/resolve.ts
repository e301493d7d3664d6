import { MBTI } from '../task/task.ts';
import type { Config, RawConfig } from './config.ts';
import { DEFAULT_MAX_TEXTS, resolveSettings } from './model-config.ts';
import type { Problems } from './problems.ts';
import type { AxisConfig } from './structures.ts';

const mbtiAxes: readonly AxisConfig[] = ['EI', 'SN', 'TF', 'JP'].map((pair) => {
  const labels = [pair.charAt(0), pair.charAt(1)] as const;
  return { name: labels.join('/'), labels };
});

/** Shorter posts say nothing of their author. */
const LEAST_MBTI_LENGTH = 10;

/** Codes of so many axes can be told apart by listing them all. */
const MOST_CODE_AXES = 16;

/** Fills in what follows from other keys, and collects what contradicts. */
export function resolveConfig(raw: RawConfig, problems: Problems): Config {
  const task = resolveTask(raw.task, problems);
  const runName = raw.run.name ?? task.name;
  const clean = raw.data.clean ?? (task.name === MBTI ? 'mbti' : 'none');
  checkTogether(raw, task.axes, problems);
  return {
    ...raw,
    run: { name: runName, dir: raw.run.dir ?? `runs/${runName}` },
    task,
    data: {
      ...raw.data,
      clean,
      min_length: raw.data.min_length ?? (clean === 'mbti' ? LEAST_MBTI_LENGTH : 1),
    },
    model: { ...raw.model, out: raw.model.out ?? `models/${runName}` },
    limits: {
      ...raw.limits,
      max_texts: raw.limits.max_texts ?? Math.min(DEFAULT_MAX_TEXTS, raw.queue.max_depth),
    },
    models: { ...raw.models, settings: resolveSettings(raw, problems) },
  };
}

function resolveTask(raw: RawConfig['task'], problems: Problems): Config['task'] {
  const axes = raw.axes ?? mbtiAxes;
  const name = raw.name ?? defaultName(raw.axes);
  const isMbti = name === MBTI;
  const textColumn = raw.text_column ?? (isMbti ? 'posts' : null);
  if (textColumn === null) {
    problems.reject('task.text_column is missing: expected the name of the column of the text');
  }
  if (!isMbti && raw.axes === null) {
    problems.reject(`task.axes is missing: expected what the task ${name} predicts`);
  }
  const withColumn = axes.filter((axis) => axis.column !== undefined).length;
  const labelColumn = raw.label_column ?? (isMbti && withColumn === 0 ? 'type' : null);
  checkLabels(axes, withColumn, labelColumn, problems);
  return { name, text_column: textColumn ?? '', label_column: labelColumn, axes };
}

/** A task with axes of its own is not the MBTI task, even where nobody names it. */
function defaultName(axes: readonly AxisConfig[] | null): string {
  if (
    axes === null ||
    JSON.stringify(axes.map(labelsOf)) === JSON.stringify(mbtiAxes.map(labelsOf))
  )
    return MBTI;
  const joined = axes.map((axis) => axis.name.replace(/[^\w.-]+/g, '')).join('-');
  return joined.replace(/^[^A-Za-z0-9]+/, '').slice(0, 100) || 'classifier';
}

function labelsOf(axis: AxisConfig): readonly string[] {
  return axis.labels;
}

/** The labels stand in one column of codes, or in a column for every axis: one or the other. */
function checkLabels(
  axes: readonly AxisConfig[],
  withColumn: number,
  labelColumn: string | null,
  problems: Problems,
): void {
  if (labelColumn === null && withColumn < axes.length) {
    const without = axes.filter((axis) => axis.column === undefined).map((axis) => axis.name);
    problems.reject(
      `task.axes: ${without.join(', ')} names no "column": expected one in every axis, or task.label_column`,
    );
  }
  if (labelColumn === null) return;
  if (withColumn > 0) {
    problems.reject(
      `task.label_column is ${JSON.stringify(labelColumn)} and axes name their own "column": expected one or the other`,
    );
  }
  if (axes.length > MOST_CODE_AXES) {
    problems.reject(
      `task.label_column: a code of ${axes.length} axes: expected ${MOST_CODE_AXES} at most`,
    );
  } else if (labelCodes(axes).size < 2 ** axes.length) {
    problems.reject(
      'task.label_column: two sets of labels give the same code: expected other labels',
    );
  }
}

/** Every code of the axes (`ESTJ`) with its labels: true for an axis's first label. */
export function labelCodes(axes: readonly AxisConfig[]): Map<string, readonly boolean[]> {
  let codes = new Map<string, readonly boolean[]>([['', []]]);
  for (const { labels } of axes) {
    codes = new Map(
      [...codes].flatMap(([code, values]): [string, readonly boolean[]][] => [
        [code + labels[0], [...values, true]],
        [code + labels[1], [...values, false]],
      ]),
    );
  }
  return codes;
}

function checkTogether(raw: RawConfig, axes: readonly AxisConfig[], problems: Problems): void {
  const { limits, queue, model, quantize, train } = raw;
  if (limits.max_texts !== null && limits.max_texts > queue.max_depth) {
    problems.rejectValue(
      'limits.max_texts',
      limits.max_texts,
      `queue.max_depth (${queue.max_depth}) at most`,
    );
  }
  if (model.base !== null && typeof model.base === 'object') {
    if (model.tokenizer === null) {
      problems.reject(
        'model.tokenizer is missing: random weights have none beside them; expected a path or "train"',
      );
    }
    const positions = model.base.init.max_position_embeddings ?? 512;
    if (train.max_length > positions) {
      problems.rejectValue(
        'train.max_length',
        train.max_length,
        `max_position_embeddings (${positions}) at most`,
      );
    }
  }
  if (quantize.required && quantize.scheme === 'none' && quantize.fp16 !== 'yes') {
    problems.rejectValue(
      'quantize.required',
      true,
      'false, or a smaller file that is made: quantize.scheme other than none, or quantize.fp16=yes',
    );
  }
  const weights = train.pos_weight;
  if (Array.isArray(weights) && weights.length !== axes.length) {
    problems.rejectValue('train.pos_weight', weights, `one number for each of ${axes.length} axes`);
  }
}
