import { describe, expect, it } from '@jest/globals';
import { type Config, differences, hashOf, loadConfig } from '../../../src/config/index.ts';
import { keys } from '../../../src/config/schema.ts';

const base = ['task.text_column=posts', 'model.tokenizer=train', 'data.source=a.csv'];
const load = (...overrides: string[]) =>
  loadConfig({ overrides: [...base, ...overrides], env: {} });

/** A configuration with something else at a key, whatever its format. */
function changed(path: string): Config {
  const config = structuredClone(load().config);
  const names = path.split('.');
  const name = names.pop() ?? '';
  const section = names.reduce((node, part) => node[part] as Node, config as unknown as Node);
  section[name] = 'something else';
  return config;
}

type Node = Record<string, unknown>;

const paths = [...keys.keys()];
const deciding = (facet: string) => paths.filter((path) => keys.get(path)?.decides === facet);

describe('every key', () => {
  it('says what it decides', () => {
    const known = ['learnt', 'bundle', 'nothing'];
    expect(paths.filter((path) => !known.includes(keys.get(path)?.decides ?? ''))).toEqual([]);
  });

  it.each(deciding('learnt'))('%s decides the hash of a run', (path) => {
    const { config, hash } = load();
    expect(hashOf(changed(path), 'learnt')).not.toBe(hash);
    const found = differences(config, changed(path), 'learnt');
    expect(found.map((one) => one.path)).toEqual([path]);
  });

  it.each([...deciding('nothing'), ...deciding('bundle')])(
    '%s decides no number that is learnt',
    (path) => {
      const { config, hash } = load();
      expect(hashOf(changed(path), 'learnt')).toBe(hash);
      expect(differences(config, changed(path), 'learnt')).toEqual([]);
    },
  );
});

describe('the facets', () => {
  it('put what makes a bundle of a learnt state, and it alone, under a hash of its own', () => {
    const known = /^(quantize\.|explain\.|limits\.max_windows$)/;
    expect(deciding('bundle').filter((path) => !known.test(path))).toEqual([]);
    const hash = (...words: string[]) => hashOf(load(...words).config, 'bundle');
    expect(hash('quantize.min_agreement=0.5')).not.toBe(hash());
    expect(hash('limits.max_windows=3')).not.toBe(hash());
    expect(hash('train.epochs=1', 'drift.window=5')).toBe(hash());
  });

  it('count of an input its name, not the folder that it lies in', () => {
    const { hash } = load('model.base=here/model.onnx');
    expect(load('model.base=there/model.onnx').hash).toBe(hash);
    expect(load('model.base=here/other.onnx').hash).not.toBe(hash);
    expect(load('model.base=hf:a/model.onnx').hash).not.toBe(hash);
  });

  it('show a difference as JSON, before and after', () => {
    const [before, after] = [load(), load('train.epochs=3')];
    expect(differences(before.config, after.config, 'learnt')).toEqual([
      { path: 'train.epochs', before: '10', after: '3' },
    ]);
  });
});
