import { existsSync } from 'node:fs';
import { dirname, isAbsolute, join, relative, resolve } from 'node:path';
import { AppError } from '../errors.ts';
import { readJsonFile } from '../files/index.ts';
import { packageRoot } from '../package-root.ts';
import { shown, shownPath } from './problems.ts';

/** One configuration file as written, without its `extends`. */
export interface ConfigFile {
  readonly file: string;
  readonly values: Record<string, unknown>;
}

const MOST_FILES = 32;
const MOST_BYTES = 4 * 2 ** 20;

/**
 * The file and the files that it extends, the most basic first. A name that does not exist in
 * `folder` is looked for in this package, so that `configs/quick.json` works from anywhere.
 * AppError `config_missing` or `config_invalid`.
 */
export function readConfigFiles(name: string, folder = process.cwd()): ConfigFile[] {
  const chain: ConfigFile[] = [];
  let file: string | undefined = locate(name, folder);
  while (file !== undefined) {
    const current: string = file;
    if (chain.some((one) => one.file === current)) {
      const circle = [...chain.map((one) => one.file), current].map(shortPath).join(' → ');
      throw new AppError('config_invalid', `"extends" goes round in a circle: ${circle}`);
    }
    if (chain.length === MOST_FILES) {
      const message = `${shortPath(name)} extends a file that extends another, over ${MOST_FILES} times`;
      throw new AppError('config_invalid', `${message}: expected ${MOST_FILES} files at most`);
    }
    const { extends: base, ...values } = readJsonFile(current, {
      name: shortPath(current),
      limit: MOST_BYTES,
      missing: 'config_missing',
      invalid: 'config_invalid',
    });
    chain.push({ file: current, values });
    file = baseFile(current, base);
  }
  return chain.reverse();
}

/** A path as a person would write it here. */
export function shortPath(file: string): string {
  const short = relative(process.cwd(), file);
  return short.startsWith('..') || isAbsolute(short) || short === '' ? file : short;
}

function baseFile(file: string, base: unknown): string | undefined {
  if (base === undefined) return undefined;
  if (typeof base === 'string' && base !== '') return locate(base, dirname(file), file);
  throw new AppError(
    'config_invalid',
    `${shortPath(file)}: extends is ${shown(base)}: expected the path of another file`,
  );
}

function locate(name: string, folder: string, namedBy?: string): string {
  const places = [resolve(folder, name), join(packageRoot, name)];
  const found = places.find((place) => existsSync(place));
  if (found !== undefined) return found;
  const by = namedBy === undefined ? '' : `, which ${shortPath(namedBy)} extends,`;
  throw new AppError(
    'config_missing',
    `the configuration file ${shownPath(name)}${by} does not exist`,
    {
      hint: `looked in ${folder} and among the files of this package (configs/quick.json, …)`,
    },
  );
}
