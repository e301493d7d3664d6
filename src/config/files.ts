import { existsSync, readFileSync, statSync } from 'node:fs';
import { dirname, isAbsolute, join, relative, resolve } from 'node:path';
import { type Node, type ParseError, parseTree, printParseErrorCode } from 'jsonc-parser';
import { AppError } from '../errors.ts';
import { packageRoot } from '../package-root.ts';

/** One configuration file as written, without its `extends`. */
export interface ConfigFile {
  readonly file: string;
  readonly values: Record<string, unknown>;
}

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
    const { extends: base, ...values } = readObject(current);
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
    `${shortPath(file)}: extends is ${JSON.stringify(base)}: expected the path of another file`,
  );
}

function locate(name: string, folder: string, namedBy?: string): string {
  const places = [resolve(folder, name), join(packageRoot, name)];
  const found = places.find((place) => existsSync(place));
  if (found !== undefined) return found;
  const by = namedBy === undefined ? '' : `, which ${shortPath(namedBy)} extends,`;
  throw new AppError('config_missing', `the configuration file ${name}${by} does not exist`, {
    hint: `looked in ${folder} and among the files of this package (configs/quick.json, …)`,
  });
}

function readObject(file: string): Record<string, unknown> {
  if (statSync(file).isDirectory()) {
    throw new AppError('config_invalid', `${shortPath(file)} is a folder: expected a JSON file`);
  }
  const text = readFileSync(file, 'utf8').replace(/^\uFEFF/, '');
  const errors: ParseError[] = [];
  const tree = parseTree(text, errors, { disallowComments: true });
  const [error] = errors;
  if (error) {
    const what = printParseErrorCode(error.error)
      .replace(/(?<=.)([A-Z])/g, ' $1')
      .toLowerCase();
    throw new AppError(
      'config_invalid',
      `${shortPath(file)} is not JSON: ${what} at ${position(text, error.offset)}`,
    );
  }
  const twice = tree && repeatedKey(tree);
  if (twice) {
    throw new AppError(
      'config_invalid',
      `${shortPath(file)} has the key ${twice.value} twice: again at ${position(text, twice.offset)}`,
    );
  }
  // The parser above knows where mistakes are; this one keeps a "__proto__" as the key that it is.
  const value: unknown = JSON.parse(text);
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) {
    return value as Record<string, unknown>;
  }
  throw new AppError('config_invalid', `${shortPath(file)} does not hold a JSON object`);
}

/** The first key that its object already has, wherever it stands. */
function repeatedKey(node: Node): Node | undefined {
  const keys = new Set<unknown>();
  for (const child of node.children ?? []) {
    const key = child.type === 'property' ? child.children?.[0] : undefined;
    if (key && keys.has(key.value)) return key;
    if (key) keys.add(key.value);
    const deeper = repeatedKey(child);
    if (deeper) return deeper;
  }
  return undefined;
}

function position(text: string, offset: number): string {
  const lines = text.slice(0, offset).split('\n');
  return `line ${lines.length}, column ${(lines.at(-1)?.length ?? 0) + 1}`;
}
