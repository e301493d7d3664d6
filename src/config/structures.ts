import { isHarmless } from '../files/index.ts';
import { type Fault, type Format, integer, number, parseJsonWord, text } from './formats.ts';

/** One axis of `task.axes`. */
export interface AxisConfig {
  readonly name: string;
  /** The positive label first. */
  readonly labels: readonly [string, string];
  /** The CSV column with this axis's label; every axis has one, or none has. */
  readonly column?: string;
}

/** Sizes of a DistilBERT that starts from random weights, by their Hugging Face names. */
export interface InitConfig {
  readonly dim?: number;
  readonly n_layers?: number;
  readonly n_heads?: number;
  readonly hidden_dim?: number;
  readonly max_position_embeddings?: number;
  readonly dropout?: number;
  readonly attention_dropout?: number;
  readonly initializer_range?: number;
}

export type ModelBase = string | { readonly init: InitConfig };

const initFormats: { readonly [K in keyof Required<InitConfig>]: Format<number> } = {
  dim: integer(4, 8192),
  n_layers: integer(1, 96),
  n_heads: integer(1, 128),
  hidden_dim: integer(4, 32768),
  max_position_embeddings: integer(8, 8192),
  dropout: number({ from: 0, below: 1 }),
  attention_dropout: number({ from: 0, below: 1 }),
  initializer_range: number({ above: 0, to: 1 }),
};

const baseAllowed =
  'a .onnx file, a folder in Hugging Face layout, hf:organisation/repository[@revision], ' +
  'or {"init": {…}} for random weights';

export const modelBase: Format<ModelBase> = {
  allowed: baseAllowed,
  parse: (word) => (word.trimStart().startsWith('{') ? parseJsonWord(word) : word),
  check: (value) => {
    // A string that looks like an object is one in quotes, or is broken; no file is called so.
    if (typeof value === 'string' && /^\s*[^\s{]/.test(value)) return [];
    if (!isObject(value)) return [{ at: '', value, allowed: baseAllowed }];
    const extra = Object.keys(value).filter((key) => key !== 'init');
    if (extra.length > 0 || !isObject(value.init)) return [{ at: '', value, allowed: baseAllowed }];
    return checkInit(value.init);
  },
};

function checkInit(init: Record<string, unknown>): Fault[] {
  const faults = Object.entries(init).flatMap(([key, value]): Fault[] => {
    if (Object.hasOwn(initFormats, key)) {
      const known = initFormats[key as keyof InitConfig];
      return known.check(value).map((fault) => ({ ...fault, at: `.init.${key}` }));
    }
    const allowed = `only ${Object.keys(initFormats).join(', ')}`;
    return [{ at: `.init.${key}`, value, allowed }];
  });
  const { dim = 768, n_heads: heads = 12 } = init;
  if (faults.length === 0 && Number(dim) % Number(heads) !== 0) {
    faults.push({ at: '.init.n_heads', value: heads, allowed: `a divisor of dim (${dim})` });
  }
  return faults;
}

const axesAllowed =
  'a list of 1 to 64 axes such as {"name": "E/I", "labels": ["E", "I"]}, the positive label first';
const name = text('a string that is not empty, of characters that can be seen', /./s, isHarmless);
const labelsAllowed = 'two different strings, the positive label first';
const axisKeys = new Set(['name', 'labels', 'column']);

export const axes: Format<readonly AxisConfig[]> = {
  allowed: axesAllowed,
  parse: parseJsonWord,
  check: (value) => {
    if (!Array.isArray(value) || value.length === 0 || value.length > 64) {
      return [{ at: '', value, allowed: axesAllowed }];
    }
    return value.flatMap((axis, i) =>
      checkAxis(axis, value.slice(0, i)).map((fault) => ({ ...fault, at: `[${i}]${fault.at}` })),
    );
  },
};

function checkAxis(axis: unknown, before: readonly unknown[]): Fault[] {
  if (!isObject(axis)) return [{ at: '', value: axis, allowed: axesAllowed }];
  const faults: Fault[] = [];
  const reject = (at: string, value: unknown, allowed: string) =>
    faults.push({ at, value, allowed });
  if (name.check(axis.name).length > 0) reject('.name', axis.name, name.allowed);
  else if (before.some((other) => isObject(other) && other.name === axis.name)) {
    reject('.name', axis.name, 'a name that no other axis has');
  }
  if (!isLabelPair(axis.labels)) reject('.labels', axis.labels, labelsAllowed);
  if (axis.column !== undefined && name.check(axis.column).length > 0) {
    reject('.column', axis.column, 'the name of a CSV column');
  }
  for (const key of Object.keys(axis).filter((k) => !axisKeys.has(k))) {
    reject(`.${key}`, axis[key], 'only name, labels, column');
  }
  return faults;
}

function isLabelPair(value: unknown): boolean {
  if (!Array.isArray(value) || value.length !== 2 || value[0] === value[1]) return false;
  return value.every(
    (label) =>
      typeof label === 'string' &&
      label.trim() !== '' &&
      label.trim() === label &&
      isHarmless(label),
  );
}

export function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
