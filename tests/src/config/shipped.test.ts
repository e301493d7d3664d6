import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { describeKeys, loadConfig } from '../../../src/config/index.ts';
import { packageRoot } from '../../../src/package-root.ts';

const folder = join(packageRoot, 'configs');
const files = readdirSync(folder).filter((name) => name.endsWith('.json'));
const readme = readFileSync(join(folder, 'README.md'), 'utf8');

describe('the shipped configurations', () => {
  it.each(files)('%s loads', (name) => {
    const { config } = loadConfig({ file: join(folder, name), env: {} });
    expect(config.train.epochs).toBeGreaterThan(0);
  });

  it.each(files)('%s is listed in the README', (name) => {
    expect(readme).toMatch(new RegExp(`^\\| \`${name}\` +\\| \\S`, 'm'));
  });

  it('that name data and tokenizers name files that are there', () => {
    const { data, model } = loadConfig({ file: join(folder, 'quick.json'), env: {} }).config;
    expect([data.source, model.tokenizer].map((file) => existsSync(String(file)))).toEqual([
      true,
      true,
    ]);
  });

  it('names no data for the reviews, which are not shipped', () => {
    const { config } = loadConfig({ file: join(folder, 'reviews.json'), env: {} });
    expect(config.data.source).toBeNull();
    expect(config.model).toMatchObject({ out: 'models/reviews', tokenizer: 'train' });
    expect(config.task).toMatchObject({
      name: 'sentiment',
      text_column: 'text',
      label_column: null,
    });
    expect(config.data.clean).toBe('none');
  });
});

describe('the README of the configurations', () => {
  it('lists every key, in order, as the schema has it', () => {
    const rows = describeKeys().map(({ path, doc, allowed, default: value }) => {
      return `| \`${path}\` | ${doc} | ${allowed.replaceAll('|', '\\|')} | \`${value}\` |`;
    });
    const table = readme.slice(readme.indexOf('## Keys')).trim().split('\n').slice(4);
    // The formatter pads the cells of a table.
    expect(table.map((row) => row.replace(/ +/g, ' '))).toEqual(rows);
  });
});

describe('the keys', () => {
  it('have documentation and an environment variable', () => {
    for (const { path, doc, env } of describeKeys()) {
      expect(doc).not.toBe('');
      expect(env).toBe(`MBTI_${path.toUpperCase().replaceAll('.', '_')}`);
    }
  });

  it.each([
    'seed',
    'run.name',
    'run.dir',
    'task.name',
    'task.text_column',
    'task.label_column',
    'task.axes',
    'data.source',
    'data.dir',
    'data.clean',
    'model.base',
    'model.tokenizer',
    'model.out',
    'train.epochs',
    'train.max_steps',
    'train.batch_size',
    'train.max_length',
    'train.accumulate',
    'train.learning_rate',
    'train.weight_decay',
    'train.warmup_steps',
    'train.schedule',
    'train.max_grad_norm',
    'train.dropout',
    'train.freeze',
    'train.pos_weight',
    'train.checkpoint_every',
    'train.patience',
    'runtime.device',
    'runtime.precision',
    'runtime.threads',
    'server.host',
    'server.port',
    'server.workers',
    'server.drain_delay_ms',
    'queue.max_depth',
    'queue.max_tokens',
    'queue.timeout_ms',
    'limits.max_body_bytes',
    'limits.max_texts',
    'security.api_keys_file',
    'log.level',
    'log.format',
  ])('include %s', (path) => {
    expect(describeKeys().map((key) => key.path)).toContain(path);
  });
});
