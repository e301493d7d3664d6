import { AppError } from '../../src/errors.ts';

/** What a key of a Hugging Face config may be. */
export interface Allowed {
  readonly text: string;
  readonly holds: (value: unknown) => boolean;
}

export const count: Allowed = {
  text: 'a positive integer',
  holds: (value) => Number.isSafeInteger(value) && Number(value) > 0,
};
export const index: Allowed = {
  text: 'an integer from 0',
  holds: (value) => Number.isSafeInteger(value) && Number(value) >= 0,
};
export const probability: Allowed = {
  text: 'a number from 0 to less than 1',
  holds: (value) => typeof value === 'number' && value >= 0 && value < 1,
};
export const positive: Allowed = {
  text: 'a positive number',
  holds: (value) => typeof value === 'number' && value > 0 && Number.isFinite(value),
};
export const oneOf = (...words: readonly unknown[]): Allowed => ({
  text: words.join(' or '),
  holds: (value) => words.includes(value),
});

/** How a kind of config is read. */
export interface ConfigRules<T> {
  /** For messages: `DistilBERT`. */
  readonly title: string;
  /** The values of keys that are left out. */
  readonly defaults: T;
  readonly allowed: Readonly<Record<keyof T, Allowed>>;
  /** What does not fit together, where every single value is allowed. */
  readonly relations: (config: T) => readonly string[];
}

/**
 * The keys of a Hugging Face config that a graph needs; other keys are ignored. AppError
 * `model_invalid` that lists every wrong value.
 */
export function checkedConfig<T extends object>(
  raw: Readonly<Record<string, unknown>>,
  { title, defaults, allowed, relations }: ConfigRules<T>,
): T {
  const keys = Object.keys(defaults) as (keyof T & string)[];
  const config = Object.fromEntries(keys.map((key) => [key, raw[key] ?? defaults[key]])) as T;
  const problems = keys
    .filter((key) => !allowed[key].holds(config[key]))
    .map((key) => `${key} is ${JSON.stringify(config[key])}: expected ${allowed[key].text}`);
  if (problems.length === 0) problems.push(...relations(config));
  if (problems.length === 0) return config;
  throw new AppError('model_invalid', `the ${title} config is not valid: ${problems.join('; ')}`);
}
