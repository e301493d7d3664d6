import { join } from 'node:path';
import { afterEach, describe, expect, it } from '@jest/globals';
import { loadConfig } from '../../../../src/config/index.ts';
import { loadRun } from '../../../../training/recipes/run/resume.ts';
import { temporaryFolder } from '../../../support/temporary-folder.ts';

const folder = temporaryFolder();
const dir = join(folder.path, 'run');
const began = loadConfig({ overrides: ['model.tokenizer=train', 'train.epochs=4'], env: {} });
folder.write('run/config.json', JSON.stringify(began.resolved));

const resumed = (...overrides: string[]) => loadRun(dir, { file: undefined, overrides });

describe('a run that is resumed', () => {
  afterEach(() => {
    for (const name of ['MBTI_CACHE_MAX_ENTRIES', 'MBTI_DRIFT_WINDOW', 'MBTI_TRAIN_EPOCHS']) {
      delete process.env[name];
    }
  });

  it.each([
    'cache.max_entries=9',
    'drift.window=9',
    'prediction_log.file=log.jsonl',
    'telemetry.traces.service_name=x',
    'models.versions=1',
    'train.max_minutes=3',
    'runtime.batch_tokens=0',
    'quantize.min_agreement=0.5',
    'quantize.scheme=none',
    'explain.method=none',
    'data.source=moved/data.csv',
    'model.out=elsewhere',
  ])('takes %s, which decides no number that is learnt', (word) => {
    expect(resumed(word).hash).toBe(began.hash);
  });

  it('takes such keys from the environment too', () => {
    Object.assign(process.env, { MBTI_CACHE_MAX_ENTRIES: '7', MBTI_DRIFT_WINDOW: '8' });
    expect(resumed().config).toMatchObject({ cache: { max_entries: 7 }, drift: { window: 8 } });
  });

  it('refuses what decides numbers by name, from wherever it comes', () => {
    process.env.MBTI_TRAIN_EPOCHS = '5';
    expect(() => resumed('runtime.threads=3')).toThrow(
      /train\.epochs is 5 now: .* began with 4\nruntime\.threads is 3 now: .* began with 0/,
    );
  });

  it('whose configuration is damaged is refused by the name of the file', () => {
    folder.write('damaged/config.json', '');
    expect(() => loadRun(join(folder.path, 'damaged'), { file: undefined, overrides: [] })).toThrow(
      expect.objectContaining({
        code: 'data_invalid',
        message: expect.stringMatching(/damaged.config\.json is not JSON/),
      }),
    );
  });
});
