import { posix, win32 } from 'node:path';
import { isHarmless, shown, shownValue } from '../files/index.ts';
import { FORMAT_VERSION, type Manifest, requiredFiles } from './manifest.ts';
import { areMetrics, isMetricSet, isObjectOf } from './metrics-shape.ts';
import { isObject, isReference } from './reference.ts';

type JsonObject = Readonly<Record<string, unknown>>;

/** What a value of the manifest has to be: in words, and in code. */
interface Rule {
  readonly expected: string;
  readonly holds: (value: unknown) => boolean;
}

/** Characters of a name, and axes: what comes of them is shown with every answer. */
const LONGEST_NAME = 1_000;
const MOST_AXES = 1_000;
const MOST_FILES = 10_000;
/** Tokens: the longest window is computed as a whole when the model is loaded. */
const LONGEST_WINDOW = 32_768;

/** It stands in logs, in metrics, on terminals and in pages as it is. `__proto__` is no key of an object. */
const name: Rule = {
  expected: `a string of 1 to ${LONGEST_NAME} characters that can all be seen`,
  holds: (value) =>
    typeof value === 'string' &&
    value !== '' &&
    value !== '__proto__' &&
    value.length <= LONGEST_NAME &&
    isHarmless(value),
};
const object: Rule = { expected: 'an object', holds: isObject };
const string = (value: unknown): boolean => typeof value === 'string';
const isIntegerIn = (value: unknown, least: number, most: number): boolean =>
  Number.isInteger(value) && Number(value) >= least && Number(value) <= most;
const positiveNumber: Rule = {
  expected: 'a number above 0',
  holds: (value) => typeof value === 'number' && value > 0 && Number.isFinite(value),
};

/** The manifest's own keys; `name?` may be absent. */
const manifestRules: Readonly<Record<string, Rule>> = {
  name,
  version: name,
  task: object,
  max_length: {
    expected: `an integer from 3 to ${LONGEST_WINDOW}`,
    holds: (value) => isIntegerIn(value, 3, LONGEST_WINDOW),
  },
  files: object,
  'metrics?': {
    expected: 'numbers by axis and on average of each split, and those of smaller files',
    holds: areMetrics,
  },
  'left_out?': { expected: 'a reason for each file', holds: isObjectOf(string) },
  'baselines?': { expected: 'numbers by axis and on average', holds: isObjectOf(isMetricSet) },
  'reference?': {
    expected: 'texts and, for each feature, ascending edges and one more share than edges',
    holds: isReference,
  },
  config_hash: name,
  data_hash: name,
  'git_commit?': name,
  packages: { expected: 'a version for each package', holds: isObjectOf(string) },
  created: name,
};

const taskRules: Readonly<Record<string, Rule>> = {
  name,
  cleaning: {
    expected: '"mbti" or "none"',
    holds: (value) => value === 'mbti' || value === 'none',
  },
  'min_length?': {
    expected: 'an integer of at least 1',
    holds: (value) => isIntegerIn(value, 1, Number.MAX_SAFE_INTEGER),
  },
  axes: {
    expected: `a list of 1 to ${MOST_AXES} axes`,
    holds: isListOfAxes,
  },
};

const axisRules: Readonly<Record<string, Rule>> = {
  name,
  labels: {
    expected: `two different labels, each ${name.expected}`,
    holds: (value) =>
      Array.isArray(value) &&
      value.length === 2 &&
      value.every(name.holds) &&
      value[0] !== value[1],
  },
  threshold: {
    expected: 'a number from 0 to 1',
    holds: (value) => typeof value === 'number' && value >= 0 && value <= 1,
  },
  temperature: positiveNumber,
};

const fileRules: Readonly<Record<string, Rule>> = {
  sha256: {
    expected: '64 lower-case hex digits',
    holds: (value) => typeof value === 'string' && /^[0-9a-f]{64}$/.test(value),
  },
  size: {
    expected: 'a number of bytes',
    holds: (value) => Number.isSafeInteger(value) && Number(value) >= 0,
  },
};

/** Everything that is wrong with a parsed manifest, one text each; none: it is a `Manifest`. */
export function manifestProblems(value: unknown): string[] {
  if (!isObject(value)) return ['it does not hold an object'];
  if (value.format_version !== FORMAT_VERSION) {
    return [
      `format_version is ${shownValue(value.format_version)}: expected ${FORMAT_VERSION}, the only one this version reads`,
    ];
  }
  const problems = check(value, manifestRules, '');
  if (isObject(value.task)) problems.push(...taskProblems(value.task));
  if (isObject(value.files)) problems.push(...filesProblems(value.files));
  return problems;
}

/** Tells TypeScript what `manifestProblems` has found out. */
export function isManifest(value: unknown): value is Manifest {
  return manifestProblems(value).length === 0;
}

function taskProblems(task: JsonObject): string[] {
  const axes: readonly unknown[] = isListOfAxes(task.axes) ? task.axes : [];
  const names = axes.map((axis) => (isObject(axis) ? axis.name : undefined));
  return [
    ...check(task, taskRules, 'task.'),
    ...axes.flatMap((axis, i) => check(axis, axisRules, `task.axes[${i}].`)),
    ...twice(names).map((name) => `task.axes: two axes are called ${shownValue(name)}`),
  ];
}

const twice = (names: readonly unknown[]): unknown[] =>
  names.filter((name, i) => name !== undefined && names.indexOf(name) !== i);

function filesProblems(files: JsonObject): string[] {
  const { length } = Object.keys(files);
  if (length > MOST_FILES) return [`files names ${length} files: expected ${MOST_FILES} at most`];
  return [
    ...requiredFiles
      .filter((path) => !Object.hasOwn(files, path))
      .map((path) => `files does not name ${path}`),
    ...Object.entries(files).flatMap(([path, entry]) =>
      staysInside(path)
        ? check(entry, fileRules, `files[${shown(path)}].`)
        : [`files names ${shown(path)}: expected a path inside the bundle`],
    ),
  ];
}

/** Whether a path says without a detour where in a folder a file is. */
export function staysInside(path: string): boolean {
  if (path === '' || !isHarmless(path) || path.includes('\\') || win32.isAbsolute(path)) {
    return false;
  }
  const normal = posix.normalize(path);
  return normal === path && normal !== '.' && normal !== '..' && !normal.startsWith('../');
}

function check(value: unknown, rules: Readonly<Record<string, Rule>>, at: string): string[] {
  if (!isObject(value)) return [`${at.slice(0, -1)} is ${shownValue(value)}: expected an object`];
  return Object.entries(rules).flatMap(([key, { expected, holds }]) => {
    const name = key.replace('?', '');
    const optional = name !== key;
    const present = Object.hasOwn(value, name);
    if (optional && !present) return [];
    if (present && holds(value[name])) return [];
    return [
      `${at}${name} is ${present ? shownValue(value[name]) : 'missing'}: expected ${expected}`,
    ];
  });
}

function isListOfAxes(value: unknown): value is readonly unknown[] {
  return Array.isArray(value) && value.length > 0 && value.length <= MOST_AXES;
}
