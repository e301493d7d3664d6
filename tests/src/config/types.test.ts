import { describe, expect, it } from '@jest/globals';
import { loadConfig } from '../../../src/config/index.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';

const folder = temporaryFolder();
const fromFile = (json: string) =>
  loadConfig({ file: folder.write('one.json', json), env: {} }).config;

describe('a value of a file has the type that JSON gives it', () => {
  it.each([
    [
      '{"server":{"port":"8123"}}',
      /server\.port is "8123" \(.*one\.json\): expected an integer from 0 to 65535, without quotes/,
    ],
    ['{"server":{"port":"0x1f"}}', /server\.port is "0x1f" .*65535$/],
    ['{"server":{"port":""}}', /server\.port is "" /],
    [
      '{"server":{"watch":"true"}}',
      /server\.watch is "true" .*expected true or false, without quotes/,
    ],
    ['{"server":{"watch":1}}', /server\.watch is 1 .*expected true or false$/],
    ['{"train":{"dropout":"0.1"}}', /train\.dropout is "0\.1" /],
    ['{"train":{"patience":"null"}}', /train\.patience is "null" .*null \(.*\), without quotes/],
    ['{"limits":{"max_texts":"4"}}', /limits\.max_texts is "4" .*without quotes/],
    ['{"runtime":{"loop_steps":"4"}}', /runtime\.loop_steps is "4" /],
    ['{"train":{"freeze":"a,b"}}', /train\.freeze is "a,b" .*expected a list/],
    ['{"train":{"freeze":"[\\"a\\"]"}}', /train\.freeze is /],
    ['{"train":{"freeze":[1]}}', /train\.freeze\[0\] is 1 .*, in quotes/],
    ['{"train":{"pos_weight":["1",2,3,4]}}', /train\.pos_weight\[0\] is "1" .*without quotes/],
    [
      '{"task":{"axes":"[{\\"name\\":\\"a\\",\\"labels\\":[\\"x\\",\\"y\\"]}]"}}',
      /task\.axes is "\[\{/,
    ],
    ['{"model":{"base":"{\\"init\\":{}}"}}', /model\.base is "\{/],
    [
      '{"model":{"base":{"init":{"dim":"64"}},"tokenizer":"train"}}',
      /model\.base\.init\.dim is "64" .*without quotes/,
    ],
    ['{"models":{"settings":"{}"}}', /models\.settings is "\{\}" /],
    [
      '{"models":{"settings":{"a":{"queue":{"max_depth":"9"}}}}}',
      /models\.settings\.a\.queue\.max_depth is "9" .*one\.json\): expected an integer.*without quotes/,
    ],
    ['{"run":{"name":123}}', /run\.name is 123 .*, in quotes/],
    ['{"prediction_log":{"file":false}}', /prediction_log\.file is false /],
    ['{"log":{"format":["json"]}}', /log\.format is \["json"\] /],
    ['{"seed":4294967296}', /seed is 4294967296 /],
    ['{"seed":1e999}', /seed is "Infinity" /],
    ['{"seed":-1}', /seed is -1 /],
    ['{"seed":0.5}', /seed is 0\.5 /],
    ['{"server.port":1,"server":{"port":2}}', /server\.port is set twice \(.*one\.json\)/],
  ])('%s is refused', (json, message) => {
    expect(() => fromFile(json)).toThrow(message);
    expect(() => fromFile(json)).toThrow(expect.objectContaining({ code: 'config_invalid' }));
  });

  it('however it is written: 1e3 is 1000, -0 is 0, "null" is a name', () => {
    const config = fromFile(
      '{"seed":-0,"server":{"port":1e3},"train":{"dropout":1E-1},"run":{"name":"null"}}',
    );
    expect(Object.is(config.seed, 0)).toBe(true);
    expect(config.server.port).toBe(1000);
    expect(config.train.dropout).toBe(0.1);
    expect(config.run.name).toBe('null');
  });
});

describe("a word is read by its key's format", () => {
  const given = {
    'server.port': '8123',
    'server.watch': 'true',
    'train.patience': 'null',
    'train.learning_rate': '.001',
    'train.pos_weight': '1,2,3,4',
    'run.name': '123',
    'models.settings': '{"mbti":{"queue":{"max_depth":9}}}',
  };
  const read = {
    server: { port: 8123, watch: true },
    train: { patience: null, learning_rate: 0.001, pos_weight: [1, 2, 3, 4] },
    run: { name: '123' },
    models: { settings: { mbti: { queue: { max_depth: 9 } } } },
  };

  it('in the environment and on the command line alike', () => {
    const overrides = Object.entries(given).map(([path, word]) => `${path}=${word}`);
    const env = Object.fromEntries(
      Object.entries(given).map(([path, word]) => [
        `MBTI_${path.replaceAll('.', '_').toUpperCase()}`,
        word,
      ]),
    );
    expect(loadConfig({ overrides, env: {} }).config).toMatchObject(read);
    expect(loadConfig({ env }).config).toMatchObject(read);
    expect(loadConfig({ flags: given, env: {} }).config).toMatchObject(read);
  });

  it.each(['0x1f', '0b1', 'Infinity', '1e999', '1_000', '1,5', '٣', '8 1', 'true', '"1"'])(
    'which is no port: %s',
    (word) => {
      expect(() => loadConfig({ overrides: [`server.port=${word}`], env: {} })).toThrow(
        /server\.port is .*\(command line\): expected an integer from 0 to 65535/,
      );
    },
  );

  it('and what stands in JSON has its type there too', () => {
    const settings = '{"mbti":{"queue":{"max_depth":"9"}}}';
    expect(() => loadConfig({ env: { MBTI_MODELS_SETTINGS: settings } })).toThrow(
      /models\.settings\.mbti\.queue\.max_depth is "9" \(MBTI_MODELS_SETTINGS\)/,
    );
  });
});

describe('a key that stands twice in one object is refused, wherever it stands', () => {
  const depth = '"queue":{"max_depth":9}';
  const cases: readonly (readonly [key: string, json: string, twice: string])[] = [
    ['models.settings', `{"a":{${depth}},"a":{${depth}}}`, 'a'],
    ['models.settings', `{"a":{${depth}},"\\u0061" : {${depth}}}`, 'a'],
    ['models.settings', `{"a":{${depth},\n"queue"\t:{"max_tokens":9}}}`, 'queue'],
    ['models.settings', '{"a":{"queue":{"max_depth":9,"max_depth"\r\n: 8}}}', 'max_depth'],
    ['task.axes', '[{"name":"x","labels":["a","b"],"name" :"y"}]', 'name'],
    ['model.base', '{"init":{"dim":64,"dim":32}}', 'dim'],
    ['model.base', ' {"init":{},"init":{}}', 'init'],
  ];

  it.each(cases)('%s=%s on the command line and in the environment', (key, json, twice) => {
    const variable = `MBTI_${key.replaceAll('.', '_').toUpperCase()}`;
    for (const options of [
      { overrides: [`${key}=${json}`], env: {} },
      { env: { [variable]: json } },
      { flags: { [key]: json }, env: {} },
    ]) {
      const origin = 'env' in options && variable in options.env ? variable : 'command line';
      expect(() => loadConfig(options)).toThrow(
        expect.objectContaining({
          code: 'config_invalid',
          message: expect.stringMatching(
            new RegExp(
              `${key.replace('.', '\\.')} \\(${origin}\\): the value has the key "?${twice}"? twice`,
            ),
          ),
        }),
      );
    }
  });

  it.each(cases)('%s: %s in a file', (key, json, twice) => {
    const [section, name] = key.split('.');
    const text = `{"${section}":{"${name}":${json}}}`;
    expect(() => fromFile(text)).toThrow(
      expect.objectContaining({
        code: 'config_invalid',
        message: expect.stringMatching(new RegExp(`has the key "?${twice}"? twice: again at line`)),
      }),
    );
  });

  it('also where it is a section of a file, or the name of a file to extend', () => {
    expect(() => fromFile('{"seed":1,"train":{"epochs":1},"train" :{"dropout":0}}')).toThrow(
      /has the key "?train"? twice/,
    );
    expect(() => fromFile('{"extends":"a.json","\\u0065xtends":"b.json"}')).toThrow(
      /has the key "?extends"? twice/,
    );
  });

  it('and is told of together with the other problems', () => {
    const overrides = ['models.settings={"a":1,"a":2}', 'server.port=x'];
    expect(() => loadConfig({ overrides, env: {} })).toThrow(
      /2 problems:\n {2}models\.settings \(command line\): .*\n {2}server\.port is "x"/,
    );
  });
});
