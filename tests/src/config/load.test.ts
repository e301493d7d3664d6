import { join, relative } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { type LoadOptions, loadConfig } from '../../../src/config/index.ts';
import { AppError } from '../../../src/errors.ts';
import { packageRoot } from '../../../src/package-root.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';

const folder = temporaryFolder();
const load = (options: LoadOptions) => loadConfig({ env: {}, ...options });

function failure(options: LoadOptions): AppError {
  try {
    load(options);
  } catch (error) {
    if (error instanceof AppError) return error;
    throw error;
  }
  throw new Error('the configuration was accepted');
}

describe('the default configuration', () => {
  it('is the MBTI task in columns type and posts', () => {
    const { config } = load({});
    expect(config.task).toMatchObject({ name: 'mbti', text_column: 'posts', label_column: 'type' });
    expect(config.task.axes.map((axis) => axis.name)).toEqual(['E/I', 'S/N', 'T/F', 'J/P']);
    expect(config.data.clean).toBe('mbti');
    expect([config.run.dir, config.model.out]).toEqual(['runs/mbti', 'models/mbti']);
  });
});

describe('precedence', () => {
  it('is defaults, files, environment, key=value, flags', () => {
    const base = folder.write('order/base.json', '{"train":{"epochs":2,"batch_size":2},"seed":2}');
    const file = folder.write('order/file.json', '{"extends":"base.json","train":{"epochs":3}}');
    const epochs = (options: LoadOptions) => load(options).config.train.epochs;
    const env = { MBTI_TRAIN_EPOCHS: '4' };
    const overrides = ['train.epochs=5', 'train.epochs=6'];
    expect(epochs({})).toBe(10);
    expect(epochs({ file: base })).toBe(2);
    expect(epochs({ file })).toBe(3);
    expect(epochs({ file, env })).toBe(4);
    expect(epochs({ file, env, overrides })).toBe(6);
    expect(epochs({ file, env, overrides, flags: { 'train.epochs': 7 } })).toBe(7);
    expect(load({ file }).config.train.batch_size).toBe(2);
    expect(load({ file, flags: { seed: undefined } }).config.seed).toBe(2);
  });

  it('lets null in a file take back what an extended file set', () => {
    folder.write('null/base.json', '{"data":{"source":"a.csv"}}');
    const file = folder.write('null/file.json', '{"extends":"base.json","data":{"source":null}}');
    expect(load({ file }).config.data.source).toBeNull();
  });

  it('counts an empty variable as not set', () => {
    expect(load({ env: { MBTI_SERVER_PORT: '', MBTI_RUN_NAME: '' } }).config.server.port).toBe(
      8000,
    );
  });
});

describe('words of the command line', () => {
  it("are read by the key's format", () => {
    const { config } = load({
      overrides: [
        'train.learning_rate=1e-3',
        'train.pos_weight=1,2.5,3,4',
        'train.freeze=embeddings.*,layer.0.*',
        'train.patience=null',
        'data.clean=none',
        'run.name=123',
        'task.axes=[{"name":"E/I","labels":["E","I"]},{"name":"S/N","labels":["S","N"]},{"name":"T/F","labels":["T","F"]},{"name":"J/P","labels":["J","P"]}]',
        'model.base={"init":{"dim":64,"n_heads":2}}',
        'model.tokenizer=train',
      ],
    });
    expect(config.train).toMatchObject({
      learning_rate: 0.001,
      pos_weight: [1, 2.5, 3, 4],
      freeze: ['embeddings.*', 'layer.0.*'],
      patience: null,
    });
    expect(config.task.name).toBe('mbti');
    expect(config.data.clean).toBe('none');
    expect(config.run.dir).toBe('runs/123');
    expect(config.model).toMatchObject({
      base: { init: { dim: 64, n_heads: 2 } },
      tokenizer: 'train',
    });
  });

  it('may hold further equals signs', () => {
    expect(load({ overrides: ['task.text_column=a=b'] }).config.task.text_column).toBe('a=b');
  });
});

describe('paths', () => {
  it('of inputs start at the file that names them, of outputs at the current folder', () => {
    const file = folder.write(
      'paths/c.json',
      '{"data":{"source":"../x.csv","dir":"out"},"model":{"base":"hf:a/b","tokenizer":"tok","out":"m"}}',
    );
    const { config } = load({ file });
    expect(config.data.source).toBe(join(folder.path, 'x.csv'));
    expect(config.model.tokenizer).toBe(join(folder.path, 'paths/tok'));
    expect([config.data.dir, config.model.out, config.model.base]).toEqual(['out', 'm', 'hf:a/b']);
  });

  it('of inputs on the command line and in the environment start at the current folder', () => {
    const { config } = load({
      overrides: ['data.source=x.csv'],
      env: { MBTI_SECURITY_API_KEYS_FILE: 'keys.json' },
    });
    expect(config.data.source).toBe(join(process.cwd(), 'x.csv'));
    expect(config.security.api_keys_file).toBe(join(process.cwd(), 'keys.json'));
  });
});

describe('what is written beside outputs', () => {
  it.each([
    ['configs/quick.json', ['train.epochs=2']],
    ['configs/minilm.json', []],
    ['configs/prod.json', ['model.base=encoder/model.onnx']],
  ])('loads again to the same configuration and hash: %s', (file, overrides) => {
    const first = load({ file, overrides });
    const again = folder.write('again/config.json', JSON.stringify(first.resolved));
    expect(load({ file: again })).toEqual(first);
  });

  it('has a hash that tells apart what is learnt, and not where it is written or served', () => {
    const hash = (...overrides: string[]) => load({ file: 'configs/quick.json', overrides }).hash;
    const elsewhere = ['model.out=m', 'run.dir=r', 'data.source=d.csv', 'server.port=1'];
    expect(hash()).toMatch(/^[0-9a-f]{64}$/);
    expect(hash(...elsewhere)).toBe(hash());
    expect(hash('train.epochs=2')).not.toBe(hash());
    expect(hash('seed=1')).not.toBe(hash());
    expect(hash('model.base=encoder.onnx')).not.toBe(hash());
  });
});

describe('mistakes', () => {
  it('in a file are reported together with key, value, file and what is allowed', () => {
    const file = folder.write(
      'three.json',
      '{"train":{"epochs":"many","batch_size":-3},"runtime":{"device":"toaster"}}',
    );
    const error = failure({ file });
    expect([error.code, error.exitCode]).toEqual(['config_invalid', 2]);
    const at = relative(process.cwd(), file).startsWith('..')
      ? file
      : relative(process.cwd(), file);
    expect(error.message.split('\n')).toEqual([
      'the configuration has 3 problems:',
      `  train.epochs is "many" (${at}): expected an integer from 1 to 10000`,
      `  train.batch_size is -3 (${at}): expected an integer from 1 to 4096`,
      `  runtime.device is "toaster" (${at}): expected one of auto, cpu, cuda, webgpu, coreml, dml`,
    ]);
  });

  it('on the command line, in the environment and in flags are reported together', () => {
    const { message } = failure({
      overrides: ['train.epochs=1.5', 'nonsense', 'train.epocs=1'],
      env: { MBTI_TRAIN_DROPOUT: '1' },
      flags: { 'server.port': 'banana' },
    });
    expect(message).toContain('train.epochs is 1.5 (command line)');
    expect(message).toContain('"nonsense" is not of the form key=value');
    expect(message).toContain(
      'train.epocs is not a key (command line); did you mean train.epochs?',
    );
    expect(message).toContain(
      'train.dropout is 1 (MBTI_TRAIN_DROPOUT): expected a number from 0 below 1',
    );
    expect(message).toContain('server.port is "banana" (command line)');
  });

  it.each([
    ['{"train":{"epocs":1}}', /train\.epocs is not a key .*did you mean train\.epochs\?/],
    ['{"telemetry":{"traces":{"endpont":1}}}', /did you mean telemetry\.traces\.endpoint\?/],
    ['{"endpont":1}', /endpont is not a key .*did you mean telemetry\.traces\.endpoint\?/],
    ['{"epochs":1}', /epochs is not a key .*did you mean train\.epochs\?/],
    ['{"frobnicate":{"x":1}}', /frobnicate is not a key \([^)]*\)$/],
    ['{"train":3}', /train is 3 .*expected an object/],
    ['{"train":{"epochs":null}}', /train\.epochs is null .*expected an integer/],
    ['{"train":{"epochs":true}}', /train\.epochs is true/],
    ['{"train":{"epochs":{}}}', /train\.epochs is \{\}/],
    ['{"train":{"epochs":[]}}', /train\.epochs is \[\]/],
    ['{"__proto__":{"train":{"epochs":1}}}', /__proto__ is not a key/],
    ['{"server":{"port":65536}}', /server\.port is 65536/],
    ['{"run":{"name":"../x"}}', /run\.name is "..\/x"/],
    ['{"task":{"axes":[]}}', /task\.axes is \[\]/],
    [
      '{"task":{"axes":[{"name":"a","labels":["x","x"]}]}}',
      /task\.axes\[0\]\.labels is \["x","x"\]/,
    ],
    ['{"task":{"axes":[{"name":"a","labels":[1,0]}]}}', /task\.axes\[0\]\.labels is \[1,0\]/],
    [
      '{"task":{"axes":[{"labels":["x","y"],"colum":"z"}]}}',
      /axes\[0\]\.name is missing[\s\S]*axes\[0\]\.colum is "z"/,
    ],
    ['{"task":{"name":"own"}}', /task\.text_column is missing[\s\S]*task\.axes is missing/],
    [
      '{"task":{"label_column":"l","axes":[{"name":"a","labels":["x","y"],"column":"c"}],"text_column":"t"}}',
      /expected one or the other/,
    ],
    [
      '{"task":{"axes":[{"name":"a","labels":["x","y"]}],"text_column":"t"}}',
      /a names no "column"/,
    ],
    [
      '{"task":{"label_column":"l","text_column":"t","axes":[{"name":"a","labels":["a","aa"]},{"name":"b","labels":["aa","a"]}]}}',
      /same code/,
    ],
    ['{"model":{"base":{"init":{"dmi":3}}}}', /model\.base\.init\.dmi is 3 .*expected only dim/],
    [
      '{"model":{"base":{"init":{"dim":130,"n_heads":4}}}}',
      /n_heads is 4 .*a divisor of dim \(130\)/,
    ],
    ['{"model":{"base":{"init":{}}}}', /model\.tokenizer is missing/],
    [
      '{"model":{"base":{"init":{"max_position_embeddings":32}},"tokenizer":"train"}}',
      /train\.max_length is 512: expected max_position_embeddings \(32\)/,
    ],
    [
      '{"limits":{"max_texts":9},"queue":{"max_depth":8}}',
      /limits\.max_texts is 9: expected queue\.max_depth \(8\)/,
    ],
    [
      '{"train":{"pos_weight":[1,2]}}',
      /train\.pos_weight is \[1,2\]: expected one number for each of 4 axes/,
    ],
    ['{"train":{"pos_weight":[1,-2,1,1]}}', /train\.pos_weight\[1\] is -2/],
  ])('%s is refused', (json, message) => {
    const error = failure({ file: folder.write('one.json', json) });
    expect(error.code).toBe('config_invalid');
    expect(error.message).toMatch(message);
  });

  it('keep the first line readable however long a value is', () => {
    const error = failure({ overrides: [`train.epochs=${'9x'.repeat(5000)}`] });
    expect(error.message.length).toBeLessThan(400);
  });
});

describe('a task of its own', () => {
  it('is no MBTI task even where it has no name', () => {
    const file = folder.write(
      'own.json',
      '{"task":{"text_column":"t","axes":[{"name":"good mood","labels":["yes","no"],"column":"c"}]}}',
    );
    const { config } = load({ file });
    expect(config.task).toMatchObject({ name: 'goodmood', label_column: null });
    expect(config.data.clean).toBe('none');
    expect(config.model.out).toBe('models/goodmood');
  });

  it('needs no smaller limit of texts for a smaller queue', () => {
    expect(load({ overrides: ['queue.max_depth=4'] }).config.limits.max_texts).toBe(4);
    expect(load({}).config.limits.max_texts).toBe(128);
  });
});

describe('a configuration of the package', () => {
  it('is found from any folder', () => {
    const { config } = load({ file: 'configs/quick.json' });
    expect(config.data.source).toBe(join(packageRoot, 'data/sample/mbti.csv'));
  });
});
