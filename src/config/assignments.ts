import { dirname } from 'node:path';
import { AppError } from '../errors.ts';
import { shown } from '../files/index.ts';
import { type ConfigFile, shortPath } from './files.ts';
import type { Key } from './key.ts';
import { type Problems, shownPath } from './problems.ts';
import { keys } from './schema.ts';
import { isObject } from './structures.ts';
import { suggest } from './suggest.ts';

/** One value for one key, and where it came from. */
export interface Assignment {
  readonly path: string;
  readonly value: unknown;
  readonly origin: string;
  /** The folder that a relative input path starts from. */
  readonly folder: string;
}

/** Every path that stands above a key: `telemetry` and `telemetry.traces`. */
const sections: ReadonlySet<string> = new Set(
  [...keys.keys()].flatMap((path) => {
    const names = path.split('.');
    return names.slice(1).map((_, i) => names.slice(0, i + 1).join('.'));
  }),
);

/** The assignments of a file. Unknown keys and sections that are no objects are problems. */
export function fromFile({ file, values }: ConfigFile, problems: Problems): Assignment[] {
  const origin = shortPath(file);
  const walk = (node: object, prefix: string): Assignment[] =>
    Object.entries(node).flatMap(([name, value]: [string, unknown]): Assignment[] => {
      const path = prefix + name;
      if (keys.has(path)) return [{ path, value, origin, folder: dirname(file) }];
      if (!sections.has(path)) problems.reject(() => unknownKey(path, origin));
      else if (isObject(value)) return walk(value, `${path}.`);
      else problems.rejectValue(path, value, 'an object', origin);
      return [];
    });
  const assigned = walk(values, '');
  const twice = assigned.filter(({ path }, i) => assigned.findIndex((o) => o.path === path) < i);
  for (const { path } of twice) problems.reject(`${path} is set twice (${origin})`);
  return assigned;
}

/** The assignments of `key=value` words. */
export function fromWords(words: readonly string[], problems: Problems): Assignment[] {
  const folder = process.cwd();
  return words.flatMap((word): Assignment[] => {
    const sign = word.indexOf('=');
    const path = word.slice(0, Math.max(sign, 0)).trim();
    const known = keys.get(path);
    if (sign < 1) {
      problems.reject(`${shown(word)} is not of the form key=value`);
      return [];
    }
    if (!known) {
      problems.reject(() => unknownKey(path, 'command line'));
      return [];
    }
    const source = { path, origin: 'command line', folder };
    return fromWord(known, word.slice(sign + 1), source, problems);
  });
}

/** The assignments of a command's own flags; those that were not given are undefined. */
export function fromFlags(flags: Record<string, unknown>, problems: Problems): Assignment[] {
  const folder = process.cwd();
  return Object.entries(flags).flatMap(([path, given]): Assignment[] => {
    if (given === undefined) return [];
    const known = keys.get(path);
    if (!known) {
      problems.reject(() => unknownKey(path, 'command line'));
      return [];
    }
    const source = { path, origin: 'command line', folder };
    if (typeof given === 'string') return fromWord(known, given, source, problems);
    return [{ ...source, value: given }];
  });
}

/** The assignment of a word, read by its key's format; none, and a problem, where that refuses to read it. */
export function fromWord(
  { format }: Key<unknown>,
  word: string,
  source: Omit<Assignment, 'value'>,
  problems: Problems,
): Assignment[] {
  try {
    return [{ ...source, value: format.parse(word) }];
  } catch (error) {
    if (!(error instanceof AppError)) throw error;
    problems.reject(`${source.path} (${source.origin}): ${error.message}`);
    return [];
  }
}

function unknownKey(path: string, origin: string): string {
  const near = suggest(path, keys.keys());
  const hint = near === undefined ? '' : `; did you mean ${near}?`;
  return `${shownPath(path)} is not a key (${origin})${hint}`;
}
