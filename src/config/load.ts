import { resolve } from 'node:path';
import convict from 'convict';
import { type Assignment, fromFile, fromFlags, fromWords } from './assignments.ts';
import type { Config, LoadedConfig, RawConfig } from './config.ts';
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
  const env = usableVariables(options.env ?? process.env);
  const assignments = [
    ...files.flatMap((file) => fromFile(file, problems)),
    ...fromEnvironment(env),
    ...fromWords(options.overrides ?? [], problems),
    ...fromFlags(options.flags ?? {}, problems),
  ];
  const last = new Map(assignments.map((one) => [one.path, one]));
  const raw = assign(env, last);
  checkValues(raw, last, problems);
  problems.throwIfAny();
  const config = resolveConfig(raw, problems);
  problems.throwIfAny();
  const located = locateInputs(config, last);
  return { config: located, resolved: plainJson(located), hash: hashOf(located, 'learnt') };
}

/** convict does the precedence of defaults, environment and what is set on top of them. */
function assign(env: NodeJS.ProcessEnv, last: ReadonlyMap<string, Assignment>): RawConfig {
  const values = convict<Record<string, unknown>>(convictSchema(), { env, args: [] });
  for (const { path, value } of last.values()) values.set(path, value);
  return values.getProperties() as unknown as RawConfig;
}

/** The table of keys in convict's terms: every key's format is registered under the key's name. */
function convictSchema(): convict.Schema<Record<string, unknown>> {
  const root: Record<string, unknown> = {};
  for (const [path, key] of keys) {
    const validate = (value: unknown) => {
      const [fault] = key.format.check(value);
      if (fault) throw new Error(`expected ${fault.allowed}`);
    };
    convict.addFormat({ name: path, validate, coerce: (word: string) => key.format.parse(word) });
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

/** A variable that is set to nothing counts as not set. */
function usableVariables(env: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  return Object.fromEntries(Object.entries(env).filter(([, value]) => value !== ''));
}

function fromEnvironment(env: NodeJS.ProcessEnv): Assignment[] {
  return [...keys].flatMap(([path, key]): Assignment[] => {
    const name = environmentVariable(path);
    const word = env[name];
    if (word === undefined) return [];
    return [{ path, value: key.format.parse(word), origin: name, folder: process.cwd() }];
  });
}

function checkValues(
  raw: RawConfig,
  last: ReadonlyMap<string, Assignment>,
  problems: Problems,
): void {
  for (const [path, key] of keys) {
    for (const { at, value, allowed } of key.format.check(valueAt(raw, path))) {
      problems.rejectValue(path + at, value, allowed, last.get(path)?.origin);
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
