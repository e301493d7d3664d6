import { resolve } from 'node:path';
import convict from 'convict';
import { type Assignment, fromFile, fromFlags, fromWords } from './assignments.ts';
import type { Config, LoadedConfig, RawConfig } from './config.ts';
import { fromEnvironment } from './environment.ts';
import { hashOf } from './facets.ts';
import { readConfigFiles } from './files.ts';
import { Problems } from './problems.ts';
import { resolveConfig } from './resolve.ts';
import { environmentVariable, keys, valueAt } from './schema.ts';

export interface LoadOptions {
  /** The configuration file; without one, the defaults. */
  readonly file?: string | undefined;
  /** `key=value` words of the command line. */
  readonly overrides?: readonly string[] | undefined;
  readonly env?: NodeJS.ProcessEnv | undefined;
  /** A command's own flags by key, such as `{'server.port': 8001}`; undefined ones count as not given. */
  readonly flags?: Record<string, unknown> | undefined;
}

/**
 * Loads the configuration: defaults < files < environment < `key=value` < flags.
 * AppError `config_missing`, or `config_invalid` with every problem on a line of its own.
 */
export function loadConfig(options: LoadOptions): LoadedConfig {
  const problems = new Problems();
  const files = options.file === undefined ? [] : readConfigFiles(options.file);
  const assignments = [
    ...files.flatMap((file) => fromFile(file, problems)),
    ...fromEnvironment(options.env ?? process.env, problems),
    ...fromWords(options.overrides ?? [], problems),
    ...fromFlags(options.flags ?? {}, problems),
  ];
  const last = new Map(assignments.map((one) => [one.path, one]));
  const raw = assign(last);
  checkValues(raw, last, problems);
  problems.throwIfAny();
  const config = resolveConfig(raw, problems);
  problems.throwIfAny();
  const located = locateInputs(config, last);
  return { config: located, resolved: plainJson(located), hash: hashOf(located, 'learnt') };
}

/** The defaults, and what is set on top of them: as it is, since words have been read by then. */
function assign(last: ReadonlyMap<string, Assignment>): RawConfig {
  const values = convict<Record<string, unknown>>(convictSchema(), { env: {}, args: [] });
  // -0 is written as 0, and so is read again.
  for (const { path, value } of last.values()) values.set(path, value === 0 ? 0 : value);
  return values.getProperties() as unknown as RawConfig;
}

/**
 * The table of keys in convict's terms: every key's format is registered under the key's name. It has no
 * `coerce`: convict would call that for strings of files too, and a string of JSON is a string.
 */
function convictSchema(): convict.Schema<Record<string, unknown>> {
  const root: Record<string, unknown> = {};
  for (const [path, key] of keys) {
    const validate = (value: unknown) => {
      const [fault] = key.format.check(value);
      if (fault) throw new Error(`expected ${fault.allowed}`);
    };
    convict.addFormat({ name: path, validate });
    const names = path.split('.');
    const name = names.pop() ?? path;
    let section = root;
    for (const part of names) {
      section[part] ??= {};
      section = section[part] as Record<string, unknown>;
    }
    section[name] = {
      doc: key.doc,
      format: path,
      default: key.default,
      env: environmentVariable(path),
      arg: path,
    };
  }
  return root as convict.Schema<Record<string, unknown>>;
}

function checkValues(
  raw: RawConfig,
  last: ReadonlyMap<string, Assignment>,
  problems: Problems,
): void {
  for (const [path, key] of keys) {
    for (const { at, value, allowed, note = '' } of key.format.check(valueAt(raw, path))) {
      problems.rejectValue(path + at, value, allowed + note, last.get(path)?.origin);
    }
  }
}

/** Input paths become absolute: those of a file start at the file's folder, others here. */
function locateInputs(config: Config, last: ReadonlyMap<string, Assignment>): Config {
  const located = structuredClone(config) as unknown as Record<string, Record<string, unknown>>;
  for (const [path, key] of keys) {
    const value = valueAt(config, path);
    const folder = last.get(path)?.folder;
    if (!key.input || typeof value !== 'string' || folder === undefined) continue;
    if (value.startsWith('hf:') || (path === 'model.tokenizer' && value === LEARN_TOKENIZER))
      continue;
    const [section = '', name = ''] = path.split('.');
    located[section] = { ...located[section], [name]: resolve(folder, value) };
  }
  return located as unknown as Config;
}

/** The value of `model.tokenizer` that asks for a tokenizer learnt from the training texts. */
export const LEARN_TOKENIZER = 'train';

function plainJson(config: Config): Record<string, unknown> {
  return JSON.parse(JSON.stringify(config));
}
