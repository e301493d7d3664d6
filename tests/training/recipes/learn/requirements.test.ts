import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { loadConfig } from '../../../../src/config/index.ts';
import { requirePossible } from '../../../../training/recipes/learn/requirements.ts';

let dir = '';
const at = (name: string) => join(dir, name);

beforeAll(() => {
  dir = mkdtempSync(join(tmpdir(), 'mbti-requirements-'));
  writeFileSync(at('data.csv'), 'type,posts\n');
  mkdirSync(at('mine'));
  writeFileSync(at('mine/letter.txt'), 'not to be replaced');
  mkdirSync(at('bundle'));
  writeFileSync(at('bundle/manifest.json'), '{}');
});

afterAll(() => rmSync(dir, { recursive: true }));

function config(...overrides: readonly string[]) {
  const usual = [
    `data.source=${at('data.csv')}`,
    'model.base={"init":{}}',
    'model.tokenizer=train',
    `model.out=${at('models/new')}`,
    `run.dir=${at('runs/new')}`,
  ];
  return loadConfig({ overrides: [...usual, ...overrides], env: {} }).config;
}

describe('before training', () => {
  it('everything in place passes, a bundle to replace included', () => {
    expect(() => requirePossible(config())).not.toThrow();
    expect(() => requirePossible(config(`model.out=${at('bundle')}`))).not.toThrow();
  });

  it('all settings that training does not support are named at once', () => {
    const check = () => requirePossible(config('runtime.precision=int8', 'data.source=null'));
    expect(check).toThrow(
      expect.objectContaining({
        code: 'config_invalid',
        message: expect.stringMatching(/runtime\.precision.*\n.*data\.source/),
      }),
    );
  });

  it.each([
    ['data.source', 'none.csv'],
    ['model.base', 'none.onnx'],
    ['model.tokenizer', 'none/tokenizer.json'],
  ])('a missing %s is found', (key, name) => {
    expect(() => requirePossible(config(`${key}=${at(name)}`))).toThrow(
      expect.objectContaining({ code: 'file_missing', message: expect.stringContaining(name) }),
    );
  });

  it('a folder that is no bundle is not replaced', () => {
    expect(() => requirePossible(config(`model.out=${at('mine')}`))).toThrow(
      expect.objectContaining({ code: 'usage', message: expect.stringContaining('mine') }),
    );
  });

  it('a file in the way of an output is found', () => {
    expect(() => requirePossible(config(`run.dir=${at('data.csv/run')}`))).toThrow(
      expect.objectContaining({ code: 'usage', message: expect.stringContaining('run.dir') }),
    );
  });
});
