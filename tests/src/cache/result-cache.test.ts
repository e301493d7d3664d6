import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { type KnownResult, ResultCache } from '../../../src/cache/index.ts';

const result = (tokens: number): KnownResult => ({
  probabilities: [0.25, 0.75],
  tokens,
  windows: 1,
  unknownTokens: 0,
  truncated: false,
});

describe('ResultCache', () => {
  it('knows the results that were set, and nothing else of them', () => {
    const model = new ResultCache(10).of('model');
    expect(model.get('a text')).toBeUndefined();
    const scored = { ...result(7), tokenizeMs: 1, computeMs: 2, queueMs: 3, enginePid: 4 };
    model.set('a text', scored);
    expect(model.get('a text')).toEqual(result(7));
    expect(model.get('a text ')).toBeUndefined();
  });

  it('keeps the results of models apart', () => {
    const cache = new ResultCache(10);
    cache.of('v1').set('text', result(1));
    expect(cache.of('v2').get('text')).toBeUndefined();
    // As one string, model and text would be the same.
    expect(cache.of('v1t').get('ext')).toBeUndefined();
    expect(cache.of('v1').get('text')).toEqual(result(1));
  });

  it('forgets what was used longest ago, as a plain list does', () => {
    const steps = fc.array(fc.tuple(fc.boolean(), fc.integer({ min: 0, max: 9 })));
    fc.assert(
      fc.property(steps, fc.integer({ min: 1, max: 5 }), (all, most) => {
        const cache = new ResultCache(most);
        const model = cache.of('model');
        let latest: number[] = [];
        for (const [isSet, text] of all) {
          const isKnown = latest.includes(text);
          if (isSet) model.set(`${text}`, result(text));
          else expect(model.get(`${text}`)).toEqual(isKnown ? result(text) : undefined);
          if (isSet || isKnown)
            latest = [...latest.filter((one) => one !== text), text].slice(-most);
          expect(cache.size).toBe(latest.length);
        }
      }),
    );
  });
});
