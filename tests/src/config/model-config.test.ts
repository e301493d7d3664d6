import { describe, expect, it } from '@jest/globals';
import { loadConfig, modelConfig } from '../../../src/config/index.ts';

/** The configuration of two models, with these settings of the first. */
const load = (tone: object, ...overrides: string[]) =>
  loadConfig({ env: {}, overrides: [`models.settings=${JSON.stringify({ tone })}`, ...overrides] });

describe('the settings of a model', () => {
  it('come before those of everybody, for it alone', () => {
    const own = { server: { workers: 3 }, queue: { max_depth: 7 }, runtime: { precision: 'fp32' } };
    const { config } = load(own, 'queue.max_tokens=99', 'server.port=81');
    expect(modelConfig(config, 'tone')).toMatchObject({
      server: { workers: 3, port: 81 },
      queue: { max_depth: 7, max_tokens: 99 },
      runtime: { precision: 'fp32', device: 'auto' },
    });
    expect(modelConfig(config, 'mbti')).toBe(config);
    expect(modelConfig(config, 'constructor')).toBe(config);
  });

  it('need no smaller limit of texts for a smaller queue', () => {
    const maxTexts = (own: object, ...overrides: string[]) =>
      modelConfig(load(own, ...overrides).config, 'tone').limits.max_texts;
    expect(maxTexts({ queue: { max_depth: 7 } })).toBe(7);
    expect(maxTexts({ queue: { max_depth: 900 } })).toBe(128);
    expect(maxTexts({}, 'limits.max_texts=9')).toBe(9);
    expect(maxTexts({ limits: { max_texts: 3 } }, 'limits.max_texts=9')).toBe(3);
  });

  it('load again to the same from what is written of them', () => {
    const { config } = load({ queue: { max_depth: 7 } });
    const { settings } = config.models;
    const again = loadConfig({
      env: { MBTI_MODELS_SETTINGS: JSON.stringify(settings) },
    }).config;
    expect(again.models.settings).toEqual(settings);
  });

  it('are refused with everything that is wrong, each at its place', () => {
    const settings = {
      a: { queue: { max_depth: 0, depth: 1 }, log: { level: 'info' } },
      b: { server: { port: 1, workers: 'many' } },
      c: 7,
      d: { limits: [] },
    };
    const message = messageOf(`models.settings=${JSON.stringify(settings)}`, 'server.port=x');
    expect(message).toMatch(/models\.settings\.a\.queue\.max_depth is 0 .*an integer from 1/);
    expect(message).toMatch(/models\.settings\.a\.queue\.depth is 1 .*only max_depth, max_tokens/);
    expect(message).toMatch(/models\.settings\.a\.log is \{.*only runtime, server, queue/);
    expect(message).toMatch(/models\.settings\.b\.server\.port is 1 .*only workers/);
    expect(message).toMatch(/models\.settings\.b\.server\.workers is "many"/);
    expect(message).toMatch(/models\.settings\.c is 7 .*an object/);
    expect(message).toMatch(/models\.settings\.d\.limits is \[\] .*an object/);
    expect(message).toMatch(/server\.port is "x"/);
    expect(messageOf('models.settings=[]')).toMatch(/models\.settings is \[\]/);
  });

  it('are refused where a request could never be queued', () => {
    const settings = JSON.stringify({ a: { queue: { max_depth: 4 } } });
    expect(messageOf(`models.settings=${settings}`, 'limits.max_texts=5')).toMatch(
      /models\.settings\.a\.limits\.max_texts is 5: expected its queue\.max_depth \(4\) at most/,
    );
  });
});

function messageOf(...overrides: string[]): string {
  try {
    loadConfig({ env: {}, overrides });
  } catch (error) {
    return error instanceof Error ? error.message : '';
  }
  return 'it is accepted';
}
