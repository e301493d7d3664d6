import type { Format } from './formats.ts';
import type { Key } from './key.ts';
import { learningKeys } from './schema-learning.ts';
import { modelsKeys } from './schema-models.ts';
import { servingKeys } from './schema-serving.ts';

export const schema = { ...learningKeys, ...servingKeys, ...modelsKeys };

type AnyKey = Key<unknown>;

/** The values that a table of keys describes. */
export type Values<S> = {
  readonly [K in keyof S]: S[K] extends { readonly format: Format<infer T> } ? T : Values<S[K]>;
};

function isKey(node: object): node is AnyKey {
  return 'format' in node && 'default' in node;
}

function collect(table: object, prefix: string): [string, AnyKey][] {
  return Object.entries(table).flatMap(([name, node]: [string, object]): [string, AnyKey][] =>
    isKey(node) ? [[prefix + name, node]] : collect(node, `${prefix}${name}.`),
  );
}

/** Every key by its full path, `train.epochs`. */
export const keys: ReadonlyMap<string, AnyKey> = new Map(collect(schema, ''));

/** The environment variable of a key: `server.port` is MBTI_SERVER_PORT. */
export function environmentVariable(path: string): string {
  return `MBTI_${path.replaceAll('.', '_').toUpperCase()}`;
}

/** What a configuration has for a key. */
export function valueAt(config: object, path: string): unknown {
  return path
    .split('.')
    .reduce<unknown>((node, name) => (node as Record<string, unknown>)[name], config);
}
