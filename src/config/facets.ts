import { createHash } from 'node:crypto';
import { basename } from 'node:path';
import type { Config } from './config.ts';
import type { Decides, Key } from './key.ts';
import { keys, valueAt } from './schema.ts';

/** Two values of a key that differ in what the key decides, as JSON. */
export interface Difference {
  readonly path: string;
  readonly before: string;
  readonly after: string;
}

/** The keys of one facet whose values differ, with paths as they are written. */
export function differences(before: Config, after: Config, decides: Decides): Difference[] {
  return [...keys].flatMap(([path, key]): Difference[] => {
    if (key.decides !== decides || compared(before, path, key) === compared(after, path, key)) {
      return [];
    }
    const [was, is] = [before, after].map((config) => canonicalJson(valueAt(config, path)));
    return [{ path, before: was ?? '', after: is ?? '' }];
  });
}

/**
 * sha256 (hex) of the values of the keys of one facet. Runs with the same hash of `learnt` keys, data and versions
 * learn the same: how the result is served does not count, nor do the folders that files lie in.
 */
export function hashOf(config: Config, decides: Decides): string {
  const hash = createHash('sha256');
  for (const [path, key] of [...keys].sort(([a], [b]) => (a < b ? -1 : 1))) {
    if (key.decides === decides) hash.update(`${path}=${compared(config, path, key)}\n`);
  }
  return hash.digest('hex');
}

/**
 * What counts of a value: of an input its name, so that the configuration that a run wrote down, whose paths are
 * absolute, has the hash of the file that the run began with.
 */
function compared(config: Config, path: string, key: Key<unknown>): string {
  const value = valueAt(config, path);
  const isPath = key.input && typeof value === 'string' && !value.startsWith('hf:');
  return canonicalJson(isPath ? basename(value) : value);
}

/** JSON with sorted keys: equal values give equal text. */
function canonicalJson(value: unknown): string {
  return JSON.stringify(value, (_key, inner: unknown) => {
    if (typeof inner !== 'object' || inner === null || Array.isArray(inner)) return inner;
    return Object.fromEntries(Object.entries(inner).sort(([a], [b]) => (a < b ? -1 : 1)));
  });
}
