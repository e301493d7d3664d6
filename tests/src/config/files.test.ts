import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { readConfigFiles } from '../../../src/config/files.ts';
import { packageRoot } from '../../../src/package-root.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';

const folder = temporaryFolder();

describe('configuration files', () => {
  it('come with those that they extend, the most basic first, each relative to the next', () => {
    const a = folder.write('deep/a.json', '{"seed":1}');
    const b = folder.write('b.json', '{"extends":"deep/a.json","seed":2}');
    const c = folder.write('other/c.json', '\uFEFF{"extends":"../b.json","seed":3}');
    expect(readConfigFiles(c)).toEqual([
      { file: a, values: { seed: 1 } },
      { file: b, values: { seed: 2 } },
      { file: c, values: { seed: 3 } },
    ]);
  });

  it('are looked for in the package where the folder lacks them', () => {
    const own = folder.write('own.json', '{"extends":"configs/base.json"}');
    const base = join(packageRoot, 'configs/base.json');
    expect(readConfigFiles('configs/base.json', folder.path)[0]?.file).toBe(base);
    expect(readConfigFiles(own).map(({ file }) => file)).toEqual([base, own]);
  });

  it('of the current folder come before those of the package', () => {
    const own = folder.write('configs/base.json', '{"seed":7}');
    expect(readConfigFiles('configs/base.json', folder.path)).toEqual([
      { file: own, values: { seed: 7 } },
    ]);
  });

  it.each([
    ['none.json', undefined, 'config_missing', /none\.json does not exist/],
    [
      'orphan.json',
      '{"extends":"gone.json"}',
      'config_missing',
      /gone\.json, which .*orphan\.json extends, does not exist/,
    ],
    [
      'itself.json',
      '{"extends":"itself.json"}',
      'config_invalid',
      /circle: .*itself\.json → .*itself\.json/,
    ],
    ['number.json', '{"extends":3}', 'config_invalid', /extends is 3/],
    [
      'broken.json',
      '{"train": {"epochs": 1,}',
      'config_invalid',
      /broken\.json is not JSON: .* at line 1, column 24/,
    ],
    ['cut.json', '{\n"train": {', 'config_invalid', /cut\.json is not JSON: .* line 2, column 11/],
    [
      'twice.json',
      '{"train":{"epochs":1,\n"epochs":2}}',
      'config_invalid',
      /twice\.json has the key "epochs" twice: again at line 2, column 1/,
    ],
    ['empty.json', '', 'config_invalid', /empty\.json is not JSON/],
    ['comment.json', '{} // no', 'config_invalid', /not JSON/],
    ['list.json', '[1]', 'config_invalid', /does not hold a JSON object/],
    ['null.json', 'null', 'config_invalid', /does not hold a JSON object/],
  ])('%s is refused', (name, content, code, message) => {
    const file = content === undefined ? join(folder.path, name) : folder.write(name, content);
    const read = () => readConfigFiles(file);
    expect(read).toThrow(message);
    expect(read).toThrow(expect.objectContaining({ code, exitCode: 2 }));
  });

  it('are not folders', () => {
    expect(() => readConfigFiles(folder.path)).toThrow(/is a folder/);
  });
});
