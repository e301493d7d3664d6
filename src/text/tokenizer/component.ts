import { shown } from '../../files/index.ts';
import type { JsonPlace } from './json-place.ts';

/** Reads and checks one attribute; the place may be absent. */
export type Attribute<T> = (place: JsonPlace) => T;
type Attributes = Record<string, Attribute<unknown>>;
type Values<A extends Attributes> = { readonly [K in keyof A]: ReturnType<A[K]> };

/** A component of tokenizer.json that is honoured exactly: its attributes, and what it does. */
export interface Component<T> {
  readonly attributes: readonly string[];
  readonly build: (place: JsonPlace) => T;
}

export type ComponentTable<T> = Readonly<Record<string, Component<T>>>;

const READ = 'docs/tokenizers.md lists what is read: without it, texts would get other ids';

/** A row of a table of components. */
export function component<A extends Attributes, T>(
  attributes: A,
  make: (values: Values<A>, place: JsonPlace) => T,
): Component<T> {
  const known: readonly string[] = ['type', ...Object.keys(attributes)];
  return {
    attributes: Object.keys(attributes),
    build: (place) => {
      const unknown = Object.keys(place.object()).find(
        (key) => !known.includes(key) && !place.get(key).isAbsent,
      );
      if (unknown !== undefined) {
        throw place.get(unknown).refused('an attribute that is not honoured', READ);
      }
      const values = Object.entries(attributes).map(([key, read]) => [key, read(place.get(key))]);
      return make(Object.fromEntries(values) as Values<A>, place);
    },
  };
}

/** What the table makes of a component, by its type. AppError `data_invalid` for one that is not in it. */
export function build<T>(
  table: ComponentTable<T>,
  place: JsonPlace,
  type = place.get('type').string(),
): T {
  const row = Object.hasOwn(table, type) ? table[type] : undefined;
  if (row) return row.build(place);
  throw place.refused(`of the type ${shown(type)}, which is not honoured`, READ);
}

export const boolean: Attribute<boolean> = (place) => place.boolean();
export const string: Attribute<string> = (place) => place.string();
export const count: Attribute<number> = (place) => place.integer(Number.MAX_SAFE_INTEGER);

/** Exactly one code point. */
export const character: Attribute<string> = (place) => {
  const text = place.string();
  if (Array.from(text).length !== 1) throw place.expected('one character');
  return text;
};

export const oneOf =
  <const T extends string>(...allowed: readonly T[]): Attribute<T> =>
  (place) => {
    const found = allowed.find((text) => text === place.value);
    if (found === undefined) throw place.expected(`one of ${allowed.join(', ')}`);
    return found;
  };

/** The default where the attribute is missing or null. */
export const or =
  <T, const D>(read: Attribute<T>, otherwise: D): Attribute<T | D> =>
  (place) =>
    place.isAbsent ? otherwise : read(place);

/** What only moves offsets, or only decodes: no id depends on it. */
export const withoutEffect: Attribute<undefined> = () => undefined;

export const list =
  <T>(read: Attribute<T>): Attribute<T[]> =>
  (place) =>
    place.list().map(read);
