import { posix, win32 } from 'node:path';
import { FORMAT_VERSION, type Manifest, requiredFiles } from './manifest.ts';
import { isObject, isReference } from './reference.ts';

type JsonObject = Readonly<Record<string, unknown>>;

/** What a value of the manifest has to be: in words, and in code. */
interface Rule {
  readonly expected: string;
  readonly holds: (value: unknown) => boolean;
}

const string: Rule = {
  expected: 'a string that is not empty',
  holds: (value) => typeof value === 'string' && value !== '',
};
const object: Rule = { expected: 'an object', holds: isObject };
const positiveNumber: Rule = {
  expected: 'a number above 0',
  holds: (value) => typeof value === 'number' && value > 0 && Number.isFinite(value),
};

/** The manifest's own keys; `name?` may be absent. */
const manifestRules: Readonly<Record<string, Rule>> = {
  name: string,
  version: string,
  task: object,
  max_length: {
    expected: 'an integer of at least 3',
    holds: (value) => Number.isInteger(value) && Number(value) >= 3,
  },
  files: object,
  'metrics?': object,
  'left_out?': object,
  'baselines?': object,
  'reference?': {
    expected: 'texts and, for each feature, ascending edges and one more share than edges',
    holds: isReference,
  },
  config_hash: string,
  data_hash: string,
  'git_commit?': string,
  packages: object,
  created: string,
};

const taskRules: Readonly<Record<string, Rule>> = {
  name: string,
  cleaning: {
    expected: '"mbti" or "none"',
    holds: (value) => value === 'mbti' || value === 'none',
  },
  'min_length?': {
    expected: 'an integer of at least 1',
    holds: (value) => Number.isInteger(value) && Number(value) >= 1,
  },
  axes: {
    expected: 'a list of at least one axis',
    holds: (value) => Array.isArray(value) && value.length > 0,
  },
};

const axisRules: Readonly<Record<string, Rule>> = {
  name: string,
  labels: {
    expected: 'two different labels',
    holds: (value) =>
      Array.isArray(value) &&
      value.length === 2 &&
      value.every(string.holds) &&
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
      `format_version is ${show(value.format_version)}: expected ${FORMAT_VERSION}, the only one this version reads`,
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
  const axes: readonly unknown[] = Array.isArray(task.axes) ? task.axes : [];
  const names = axes.map((axis) => (isObject(axis) ? axis.name : undefined));
  return [
    ...check(task, taskRules, 'task.'),
    ...axes.flatMap((axis, i) => check(axis, axisRules, `task.axes[${i}].`)),
    ...names
      .filter((name, i) => name !== undefined && names.indexOf(name) !== i)
      .map((name) => `task.axes: two axes are called ${show(name)}`),
  ];
}

function filesProblems(files: JsonObject): string[] {
  return [
    ...requiredFiles
      .filter((path) => !Object.hasOwn(files, path))
      .map((path) => `files does not name ${path}`),
    ...Object.entries(files).flatMap(([path, entry]) =>
      staysInside(path)
        ? check(entry, fileRules, `files[${show(path)}].`)
        : [`files names ${show(path)}: expected a path inside the bundle`],
    ),
  ];
}

/** Whether a path says without a detour where in a folder a file is. */
export function staysInside(path: string): boolean {
  if (path === '' || path.includes('\\') || path.includes('\0') || win32.isAbsolute(path)) {
    return false;
  }
  const normal = posix.normalize(path);
  return normal === path && normal !== '.' && normal !== '..' && !normal.startsWith('../');
}

function check(value: unknown, rules: Readonly<Record<string, Rule>>, at: string): string[] {
  if (!isObject(value)) return [`${at.slice(0, -1)} is ${show(value)}: expected an object`];
  return Object.entries(rules).flatMap(([key, { expected, holds }]) => {
    const name = key.replace('?', '');
    const optional = name !== key;
    const present = Object.hasOwn(value, name);
    if (optional && !present) return [];
    if (present && holds(value[name])) return [];
    return [`${at}${name} is ${present ? show(value[name]) : 'missing'}: expected ${expected}`];
  });
}

function show(value: unknown): string {
  const text = JSON.stringify(value) ?? 'missing';
  return text.length > 60 ? `${text.slice(0, 57)}…` : text;
}
