/** Changes of JSON files that an attacker, or a bad disk, would make: the same ones for the same seed. */

export type Random = () => number;

/** Numbers from 0 to below 1 (mulberry32). */
export function randomOf(seed: number): Random {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

export const pick = <T>(random: Random, from: readonly T[]): T =>
  from[Math.floor(random() * from.length)] as T;

/** Stands for text that JSON.stringify would not write. */
const RAW = '\ue000raw:';

const nested = (depth: number): unknown =>
  Array.from({ length: depth }).reduce<unknown>((inner) => [inner], 0);

/** What is put in a value's place. */
const values: readonly unknown[] = [
  null,
  true,
  false,
  0,
  -1,
  0.5,
  1e9,
  1e15,
  2 ** 31,
  2 ** 53,
  2 ** 63,
  Number.MAX_VALUE,
  Number.MIN_VALUE,
  `${RAW}1e999`,
  `${RAW}-0`,
  `${RAW}NaN`,
  `${RAW}1e30`,
  '',
  ' ',
  'x'.repeat(100_000),
  '\0',
  '\u001b[2J\u001b[31m',
  'a\nerror: forged\n    at evil (evil.js:1:1)',
  '\u202e\u2028\ud800',
  '__proto__',
  'constructor',
  'toString',
  'hasOwnProperty',
  '../../etc/passwd',
  '/etc/passwd',
  'a\\b',
  'onnx/model.onnx',
  '(a+)+$',
  '(?:(?:a{99}){99}){99}',
  '(?<=(a*)*b)',
  '[UNK]',
  [],
  {},
  [[]],
  nested(99),
  `${RAW}${'['.repeat(10_000)}${']'.repeat(10_000)}`,
  new Array(10_000).fill(0),
  new Array(200).fill({ type: 'Lowercase' }),
  {
    type: 'Sequence',
    normalizers: new Array(40).fill({ type: 'Replace', pattern: { String: 'a' }, content: 'aa' }),
  },
  {
    type: 'Sequence',
    pretokenizers: new Array(40).fill({
      type: 'ByteLevel',
      add_prefix_space: true,
      use_regex: false,
    }),
  },
  { type: 'Split', pattern: { Regex: '(a+)+$' }, behavior: 'Isolated', invert: false },
  { type: 'Replace', pattern: { Regex: '(a|a)*b' }, content: 'x'.repeat(10_000) },
  { type: 'Prepend', prepend: 'a'.repeat(100_000) },
  { String: 'a' },
  { Regex: '^(a?){50}a{50}' },
];

const keys = [
  '__proto__',
  'constructor',
  'toString',
  '',
  '\u001b[2J',
  '../x',
  'a\nb',
  'x'.repeat(10_000),
];

type Container = Record<string, unknown> | unknown[];

/** Every place of a value, with the object or list that it stands in. Of many alike some stand for all. */
function placesIn(value: unknown): (readonly [container: Container, key: string])[] {
  if (typeof value !== 'object' || value === null) return [];
  const container = value as Container;
  const names = Object.keys(container);
  const some = names.length > 60 ? [...names.slice(0, 10), ...names.slice(-10)] : names;
  return some.flatMap((key) => [
    [container, key] as const,
    ...placesIn((container as Record<string, unknown>)[key]),
  ]);
}

const set = (container: Container, key: string, value: unknown): void => {
  // `__proto__` is a key like others in JSON.
  Object.defineProperty(container, key, {
    value,
    enumerable: true,
    configurable: true,
    writable: true,
  });
};

type Place = readonly [container: Container, key: string];

const changes: readonly ((place: Place, random: Random, all: readonly Place[]) => void)[] = [
  ([container, key], random) => set(container, key, structuredClone(pick(random, values))),
  ([container, key], random) => set(container, key, structuredClone(pick(random, values))),
  ([container, key], random) => set(container, key, structuredClone(pick(random, values))),
  ([container, key]) => void delete (container as Record<string, unknown>)[key],
  ([container], random) =>
    set(container, pick(random, keys), structuredClone(pick(random, values))),
  ([container, key], random, all) => {
    const [other, from] = pick(random, all);
    set(container, key, structuredClone((other as Record<string, unknown>)[from]));
  },
  ([container, key]) => {
    const value = (container as Record<string, unknown>)[key];
    set(container, key, [value, value]);
  },
];

/** A file with some of its values changed. */
function restructured(text: string, random: Random): string {
  const file: unknown = JSON.parse(text);
  for (let i = 0; i <= Math.floor(random() * 3); i++) {
    const places = placesIn(file);
    if (places.length > 0) pick(random, changes)(pick(random, places), random, places);
  }
  return JSON.stringify(file).replaceAll(new RegExp(`"${RAW}([^"]*)"`, 'g'), '$1');
}

/** A file with some of its bytes changed. */
function damaged(text: string, random: Random): Buffer {
  let bytes = Buffer.from(text);
  for (let i = 0; i <= Math.floor(random() * 4); i++) {
    const at = Math.floor(random() * bytes.length);
    const to = at + Math.floor(random() * 40);
    bytes = pick(random, [
      () => Buffer.concat([bytes.subarray(0, at), bytes.subarray(to)]),
      () => Buffer.concat([bytes.subarray(0, to), bytes.subarray(at)]),
      () => bytes.subarray(0, at),
      () => {
        const copy = Buffer.from(bytes);
        copy[at] = Math.floor(random() * 256);
        return copy;
      },
      () =>
        Buffer.concat([
          bytes.subarray(0, at),
          Buffer.from(pick(random, ['{', ']', '"', ',', '\\u0000', '1e999'])),
          bytes.subarray(at),
        ]),
    ])();
  }
  return bytes;
}

/** A JSON file as somebody hostile would write it: three times of four it still is JSON. */
export const hostileJson = (text: string, random: Random): string | Buffer =>
  random() < 0.75 ? restructured(text, random) : damaged(text, random);
