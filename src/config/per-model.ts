import { type Fault, type Format, parseJsonWord } from './formats.ts';
import type { Key } from './key.ts';
import { isObject } from './structures.ts';

/** Sections of keys. */
type Table = Readonly<Record<string, Readonly<Record<string, Key<unknown>>>>>;

/** Of a schema, the keys that a model may have of its own, below their sections. */
type OwnKeys<S> = {
  readonly [K in keyof S as true extends OwnOf<S[K]>['own'] ? K : never]: {
    readonly [P in keyof S[K] as S[K][P] extends { readonly perModel: true } ? P : never]: S[K][P];
  };
};

type OwnOf<Section> = {
  own: {
    [P in keyof Section]: Section[P] extends { readonly perModel: true } ? true : never;
  }[keyof Section];
};

/** Picks the keys with the facet `perModel`. */
export function ownKeysOf<S extends object>(schema: S): OwnKeys<S> {
  const sections = Object.entries(schema).map(([section, keys]: [string, object]) => [
    section,
    Object.fromEntries(Object.entries(keys).filter(([, key]) => 'perModel' in key)),
  ]);
  return Object.fromEntries(
    sections.filter(([, keys]) => Object.keys(keys ?? {}).length > 0),
  ) as OwnKeys<S>;
}

/** Some of the keys of some of the sections. */
export type SomeOf<S> = {
  readonly [K in keyof S]?: {
    readonly [P in keyof S[K]]?: S[K][P] extends Key<infer T> ? T : never;
  };
};

/** Some of a table's keys for each of some models: `{"name": {"section": {"key": value}}}`. */
export function perModel<S extends Table>(table: S): Format<Readonly<Record<string, SomeOf<S>>>> {
  const paths = Object.entries(table).flatMap(([section, keys]) =>
    Object.keys(keys).map((name) => `${section}.${name}`),
  );
  const allowed = `an object of settings by model, of ${paths.join(', ')}`;
  return {
    allowed,
    parse: parseJsonWord,
    check: (value) =>
      isObject(value)
        ? Object.entries(value).flatMap(([model, settings]) =>
            within(model, settings, sectionFaults),
          )
        : [{ at: '', value, allowed }],
  };

  function sectionFaults(name: string, settings: unknown): Fault[] {
    const keys = Object.hasOwn(table, name) ? table[name] : undefined;
    if (!keys)
      return [{ at: '', value: settings, allowed: `only ${Object.keys(table).join(', ')}` }];
    return within('', settings, (key, value) => {
      const known = Object.hasOwn(keys, key) ? keys[key] : undefined;
      if (known) return [...known.format.check(value)];
      return [{ at: '', value, allowed: `only ${Object.keys(keys).join(', ')}` }];
    });
  }
}

/** The faults of an object's values, each at its name below `name`. */
function within(
  name: string,
  value: unknown,
  faultsOf: (name: string, value: unknown) => Fault[],
): Fault[] {
  const at = name === '' ? '' : `.${name}`;
  if (!isObject(value)) return [{ at, value, allowed: 'an object' }];
  return Object.entries(value).flatMap(([inner, one]) =>
    faultsOf(inner, one).map((fault) => ({ ...fault, at: `${at}.${inner}${fault.at}` })),
  );
}
