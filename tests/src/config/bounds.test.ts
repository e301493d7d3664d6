import { describe, expect, it } from '@jest/globals';
import { describeKeys, type LoadOptions, loadConfig } from '../../../src/config/index.ts';
import { keys, valueAt } from '../../../src/config/schema.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';

const folder = temporaryFolder();

/** The smallest and the largest value that a key says it allows, and what lies just outside. */
interface Bounds {
  readonly path: string;
  readonly least: number;
  readonly most: number;
  readonly below: number;
  readonly above: number;
}

const smallest = Number.MIN_VALUE;
const next = (x: number, sign: number) =>
  x === 0 ? sign * smallest : x + sign * Math.abs(x) * 2 ** (sign > 0 ? -52 : -53);

/** By what a key says in words, which is what the documents show. */
function boundsOf(path: string, allowed: string): Bounds | undefined {
  const [, first, last] = /an integer from (\S+) to (\d+)/.exec(allowed) ?? [];
  if (first !== undefined) {
    const [least, most] = [Number(first), Number(last)];
    return { path, least, most, below: least - 1, above: most + 1 };
  }
  const words = /a number (from|above) (\S+) (to|below) (\d+(?:\.\d+)?)/.exec(allowed);
  if (!words) return undefined;
  const [, from, lower, to, upper] = words;
  const [low, high] = [Number(lower), Number(upper)];
  return {
    path,
    least: from === 'from' ? low : next(low, 1),
    below: from === 'from' ? next(low, -1) : low,
    most: to === 'to' ? high : next(high, -1),
    above: to === 'to' ? next(high, 1) : high,
  };
}

const all = describeKeys().flatMap(({ path, allowed }) => boundsOf(path, allowed) ?? []);
/** Lists are tried by themselves. */
const numeric = all.filter(({ path }) => path !== 'train.pos_weight');

type Pick = 'least' | 'most' | 'below' | 'above';

/** The ways to set keys, each with what it calls itself in messages. */
const ways: readonly (readonly [
  string,
  (values: readonly (readonly [string, number])[]) => LoadOptions,
])[] = [
  [
    'a file',
    (values) => {
      const sections: Record<string, unknown> = {};
      for (const [path, value] of values) {
        const names = path.split('.');
        const name = names.pop() ?? '';
        const section = names.reduce<Record<string, unknown>>((at, part) => {
          at[part] ??= {};
          return at[part] as Record<string, unknown>;
        }, sections);
        section[name] = value;
      }
      return { file: folder.write('all.json', JSON.stringify(sections)), env: {} };
    },
  ],
  [
    'the command line',
    (values) => ({ overrides: values.map(([path, value]) => `${path}=${value}`), env: {} }),
  ],
  [
    'the environment',
    (values) => ({
      env: Object.fromEntries(
        values.map(([path, value]) => [
          `MBTI_${path.replaceAll('.', '_').toUpperCase()}`,
          String(value),
        ]),
      ),
    }),
  ],
];

const valuesOf = (pick: Pick) => numeric.map((one) => [one.path, one[pick]] as const);

/** The paths that a configuration is refused for, in order. */
function refusedPaths(options: LoadOptions): string[] {
  try {
    loadConfig(options);
  } catch (error) {
    const lines = (error as Error).message.split('\n').slice(1);
    return lines.map((line) => /^ {2}(\S+) is /.exec(line)?.[1] ?? line);
  }
  return [];
}

describe.each(ways)('a number of %s', (_name, options) => {
  it.each<Pick>(['least', 'most'])('may be the %s that its key allows', (pick) => {
    const { config } = loadConfig(options(valuesOf(pick)));
    for (const [path, value] of valuesOf(pick)) {
      expect([path, valueAt(config, path)]).toEqual([path, value]);
    }
  });

  it.each<Pick>(['below', 'above'])('may not lie just %s that', (pick) => {
    expect(refusedPaths(options(valuesOf(pick)))).toEqual(numeric.map(({ path }) => path));
  });
});

describe('the table of bounds', () => {
  it('has a row for every key that says a number', () => {
    const says = describeKeys().filter(({ allowed }) => /integer|a number/.test(allowed));
    expect(all.map(({ path }) => path)).toEqual(says.map(({ path }) => path));
    expect(numeric.length).toBeGreaterThan(40);
  });

  it('has bounds that leave room', () => {
    expect(all.filter(({ least, most }) => !(least < most))).toEqual([]);
  });
});

describe('an integer', () => {
  it('has no fraction, whatever the key', () => {
    const integers = numeric.filter(({ path }) =>
      keys.get(path)?.format.allowed.startsWith('an integer'),
    );
    const fractions = integers.map(({ path, least }) => [path, least + 0.5] as const);
    for (const [, options] of ways) {
      expect(refusedPaths(options(fractions))).toEqual(integers.map(({ path }) => path));
    }
  });
});

describe("a model's own number", () => {
  const own = numeric.filter(({ path }) => keys.get(path)?.perModel);
  const settings = (pick: Pick) => {
    const ofModel: Record<string, Record<string, number>> = {};
    for (const one of own) {
      const [section = '', name = ''] = one.path.split('.');
      ofModel[section] = { ...ofModel[section], [name]: one[pick] };
    }
    return { overrides: [`models.settings=${JSON.stringify({ m: ofModel })}`], env: {} };
  };

  it.each<Pick>(['least', 'most'])('may be the %s that the key allows', (pick) => {
    const { config } = loadConfig(settings(pick));
    for (const one of own) {
      expect([one.path, valueAt(config.models.settings.m ?? {}, one.path)]).toEqual([
        one.path,
        one[pick],
      ]);
    }
  });

  it.each<Pick>(['below', 'above'])('may not lie just %s that', (pick) => {
    const expected = own.map(({ path }) => `models.settings.m.${path}`);
    expect(refusedPaths(settings(pick)).sort()).toEqual(expected.sort());
  });
});

describe('numbers inside of a value', () => {
  const weights = (value: number) => ({
    overrides: [`train.pos_weight=[1,1,1,${value}]`],
    env: {},
  });
  const init = (sizes: object) => ({
    overrides: [
      `model.base=${JSON.stringify({ init: sizes })}`,
      'model.tokenizer=train',
      'train.max_length=8',
    ],
    env: {},
  });

  it('of train.pos_weight lie above 0 and are 1000000 at most', () => {
    expect(loadConfig(weights(1e6)).config.train.pos_weight).toEqual([1, 1, 1, 1e6]);
    expect(loadConfig(weights(smallest)).config.train.pos_weight).toEqual([1, 1, 1, smallest]);
    for (const value of [0, -0, next(1e6, 1)]) {
      expect(() => loadConfig(weights(value))).toThrow(
        /train\.pos_weight\[3\] is .*: expected a number above 0 to 1000000/,
      );
    }
  });

  it.each([
    ['dim', 4, 8192],
    ['n_layers', 1, 96],
    ['n_heads', 1, 128],
    ['hidden_dim', 4, 32768],
    ['max_position_embeddings', 8, 8192],
  ])('of model.base, %s lies from %d to %d', (name, least, most) => {
    // Sizes that divide each other.
    const around = name === 'n_heads' ? { dim: 8192 } : { n_heads: 1 };
    for (const value of [least, most]) {
      const { config } = loadConfig(init({ ...around, [name]: value }));
      expect(config.model.base).toEqual({ init: { ...around, [name]: value } });
    }
    for (const value of [least - 1, most + 1, least + 0.5]) {
      expect(() => loadConfig(init({ ...around, [name]: value }))).toThrow(
        `model.base.init.${name} is ${value} (command line): expected an integer from ${least} to ${most}`,
      );
    }
  });

  it.each([
    ['dropout', [0, next(1, -1)], [-smallest, 1], 'a number from 0 below 1'],
    ['attention_dropout', [0, next(1, -1)], [-smallest, 1], 'a number from 0 below 1'],
    ['initializer_range', [smallest, 1], [0, next(1, 1)], 'a number above 0 to 1'],
  ])('of model.base, %s as well', (name, good, bad, allowed) => {
    for (const value of good) {
      const { config } = loadConfig(init({ [name]: value }));
      expect(config.model.base).toEqual({ init: { [name]: value } });
    }
    for (const value of bad) {
      expect(() => loadConfig(init({ [name]: value }))).toThrow(
        `model.base.init.${name} is ${value} (command line): expected ${allowed}`,
      );
    }
  });
});

describe('counts that keys bound', () => {
  const axes = (count: number, column = true) =>
    JSON.stringify(
      Array.from({ length: count }, (_, i) => ({
        name: `axis ${i}`,
        labels: [`a${i}`, `b${i}`],
        ...(column ? { column: `c${i}` } : {}),
      })),
    );
  const load = (...overrides: string[]) =>
    loadConfig({ overrides: ['task.text_column=t', ...overrides], env: {} }).config;

  it('are 64 axes at most', () => {
    for (const count of [1, 63, 64]) {
      expect(load(`task.axes=${axes(count)}`).task.axes).toHaveLength(count);
    }
    for (const count of [0, 65]) {
      expect(() => load(`task.axes=${axes(count)}`)).toThrow(
        /task\.axes is .*expected a list of 1 to 64 axes/,
      );
    }
  });

  it('are 16 axes of one code at most', () => {
    const code = (count: number) => load('task.label_column=l', `task.axes=${axes(count, false)}`);
    for (const count of [1, 15, 16]) expect(code(count).task.axes).toHaveLength(count);
    expect(() => code(17)).toThrow(/a code of 17 axes: expected 16 at most/);
  });

  it('are 100 characters of a name at most', () => {
    for (const length of [1, 99, 100]) {
      expect(load(`run.name=${'a'.repeat(length)}`).run.name).toHaveLength(length);
    }
    for (const length of [0, 101]) {
      expect(() => load(`run.name=${'a'.repeat(length)}`)).toThrow(/run\.name is /);
    }
  });

  it('are as many texts of a request as may wait', () => {
    const texts = (count: number) => load('queue.max_depth=7', `limits.max_texts=${count}`);
    for (const count of [6, 7]) expect(texts(count).limits.max_texts).toBe(count);
    expect(() => texts(8)).toThrow(/limits\.max_texts is 8: expected queue\.max_depth \(7\)/);
    const own = (count: number) =>
      load(`models.settings={"m":{"queue":{"max_depth":7},"limits":{"max_texts":${count}}}}`);
    for (const count of [6, 7]) expect(own(count).models.settings.m?.limits?.max_texts).toBe(count);
    expect(() => own(8)).toThrow(/models\.settings\.m\.limits\.max_texts is 8/);
  });

  it('are 128 texts of a request where nobody says it, or fewer where fewer may wait', () => {
    for (const [depth, most] of [
      [127, 127],
      [128, 128],
      [129, 128],
    ]) {
      expect(load(`queue.max_depth=${depth}`).limits.max_texts).toBe(most);
    }
  });

  it('are as many tokens of a window as random weights have positions', () => {
    const window = (tokens: number) =>
      load(
        'model.base={"init":{"max_position_embeddings":32}}',
        'model.tokenizer=train',
        `train.max_length=${tokens}`,
      );
    for (const tokens of [31, 32]) expect(window(tokens).train.max_length).toBe(tokens);
    expect(() => window(33)).toThrow(/train\.max_length is 33: expected max_position_embeddings/);
  });
});
