import { describe, expect, it } from '@jest/globals';
import { loadConfig } from '../../../src/config/index.ts';
import type { LoadOptions } from '../../../src/config/load.ts';
import { AppError } from '../../../src/errors.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';

const folder = temporaryFolder();
const written = (content: unknown): string =>
  folder.write('c.json', typeof content === 'string' ? content : JSON.stringify(content));

function refusal(options: LoadOptions): AppError {
  try {
    loadConfig({ env: {}, ...options });
  } catch (error) {
    if (error instanceof AppError) return error;
    throw error;
  }
  throw new Error('it was not refused');
}
const many = (count: number, name: (i: number) => string) =>
  Object.fromEntries(Array.from({ length: count }, (_, i) => [name(i), '1']));
const nested = (levels: number) => '['.repeat(levels) + ']'.repeat(levels);

describe('a configuration that somebody else wrote', () => {
  it.each<[string, () => LoadOptions]>([
    ['keys of a file', () => ({ file: written(many(50_000, (i) => `train.epoch${i}`)) })],
    ['words', () => ({ overrides: Object.keys(many(50_000, (i) => `train.epoch${i}=1`)) })],
    ['variables', () => ({ env: many(50_000, (i) => `MBTI_TRAIN_EPOCH${i}`) })],
    [
      'models',
      () => ({ file: written({ models: { settings: many(50_000, (i) => `model${i}`) } }) }),
    ],
    ['origins', () => ({ overrides: [`security.cors_origins=${'a,'.repeat(49_999)}a`] })],
  ])('may have 50,000 problems: a hundred %s are told, the others counted', (_, options) => {
    const { code, message } = refusal(options());
    const lines = message.split('\n');
    expect(code).toBe('config_invalid');
    expect(lines[0]).toBe('the configuration has 50000 problems:');
    expect(lines).toHaveLength(102);
    expect(lines.at(-1)).toBe('  and 49900 more');
    expect(message.length).toBeLessThan(20_000);
  });

  it('tells a hundred problems whole, and the one beyond as one more', () => {
    const lines = (count: number) =>
      refusal({ overrides: Object.keys(many(count, (i) => `x${i}=1`)) }).message.split('\n');
    expect(lines(100)).toHaveLength(101);
    expect(lines(100).at(-1)).toMatch(/x99 is not a key/);
    expect(lines(101).at(-1)).toBe('  and 1 more');
  });

  const long = 'k'.repeat(1_000_000);
  it.each<[string, () => LoadOptions]>([
    ['key', () => ({ file: written({ [long]: 1 }) })],
    ['value', () => ({ file: written({ seed: long }) })],
    ['"extends"', () => ({ file: written({ extends: long }) })],
    ['object as "extends"', () => ({ file: written({ extends: { a: long } }) })],
    ['word', () => ({ overrides: [long] })],
    ['key of a word', () => ({ overrides: [`${long}=1`] })],
    ['value of a word', () => ({ overrides: [`seed=${long}`] })],
    ['variable', () => ({ env: { [`MBTI_${long}`]: '1' } })],
    ['name of a file', () => ({ file: long })],
  ])('is told shortened where a %s has a megabyte', (_, options) => {
    expect(refusal(options()).message.length).toBeLessThan(500);
  });

  const forged = '\u001b[31m\nerror: forged\u202e';
  it.each<[string, () => LoadOptions]>([
    ['key', () => ({ file: written({ [forged]: 1 }) })],
    ['key in a section', () => ({ file: written({ train: { [forged]: 1 } }) })],
    ['value', () => ({ file: written({ seed: forged }) })],
    ['"extends"', () => ({ file: written({ extends: forged }) })],
    ['word', () => ({ overrides: [forged] })],
    ['key of a word', () => ({ overrides: [`${forged}=1`] })],
    ['variable', () => ({ env: { [`MBTI_${forged}`]: '1' } })],
    ['axis', () => ({ file: written({ task: { axes: [{ name: 'a', labels: [forged] }] } }) })],
    [
      'label',
      () => ({ file: written({ task: { axes: [{ name: forged, labels: ['a', 'b'] }] } }) }),
    ],
    ['model', () => ({ file: written({ models: { settings: { [forged]: { x: 1 } } } }) })],
  ])('acts on no terminal and begins no line: %s', (_, options) => {
    const { message } = refusal(options());
    expect(message).not.toMatch(/(?!\n)\p{Cc}|\u202e|^error/mu);
    expect(message).toMatch(/\\u001b\[31m(\\n|\\u000a)/);
  });

  it.each([
    ['deeper than 500 levels', `{"model":{"base":${nested(10_000)}}}`, /nested over 500 levels/],
    ['deep', `{"model":{"base":${nested(490)}}}`, /model\.base is \[{80}….*: expected a \.onnx/],
    ['larger than 4 MiB', `{"a":"${'x'.repeat(4 * 2 ** 20)}"}`, /expected 4194304 at most/],
    ['one with a key of the language', '{"__proto__":{"seed":1}}', /__proto__ is not a key/],
    ['a number that is none', '{"seed":1e999}', /seed is "Infinity"/],
  ])('is refused by name: %s', (_, text, message) => {
    expect(refusal({ file: written(text) }).message).toMatch(message);
  });

  it('may extend 31 others, one after the other, and no more', () => {
    const chain = (count: number) => {
      for (let i = 0; i < count; i++) {
        folder.write(
          `e${i}.json`,
          JSON.stringify(i === 0 ? { seed: 7 } : { extends: `e${i - 1}.json` }),
        );
      }
      return `${folder.path}/e${count - 1}.json`;
    };
    expect(loadConfig({ file: chain(32), env: {} }).config.seed).toBe(7);
    expect(refusal({ file: chain(33) }).message).toMatch(
      /over 32 times: expected 32 files at most/,
    );
  });

  it.each([
    ['key twice', 'model.base={"init":{"dim":64,"dim":128}}', /the key "dim" twice/],
    ['nesting', `task.axes=${nested(5000)}`, /nested over 500 levels deep/],
  ])('has words of JSON as files have it: a %s is refused', (_, word, says) => {
    const { message } = refusal({ overrides: [word] });
    expect(message).toMatch(/\(command line\): the value /);
    expect(message).toMatch(says);
  });
});
