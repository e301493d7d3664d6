import { mkdirSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { bundlesOf, findBundles } from '../../../src/bundle/index.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';

const folder = temporaryFolder();

/** A folder with a manifest at each of these places. */
function tree(name: string, ...places: string[]): string {
  const dir = join(folder.path, name);
  mkdirSync(dir);
  for (const place of places) folder.write(join(name, place, 'manifest.json'), '{}');
  return dir;
}

describe('findBundles', () => {
  it('takes a folder with a manifest for the bundle, whatever is below it', async () => {
    const dir = tree('one', '.', 'onnx');
    expect(await findBundles(dir)).toEqual({ bundles: [{ dir }], others: [] });
  });

  it('leaves it to who reads it to say what is wrong with a path that holds none', async () => {
    for (const dir of [tree('none'), join(folder.path, 'nowhere')]) {
      expect(await findBundles(dir)).toEqual({ bundles: [{ dir }], others: [] });
    }
  });

  it('finds names, and versions from the lowest to the highest', async () => {
    const dir = tree('several', 'tone/10', 'tone/9', 'mbti', '.mbti.17.tmp');
    mkdirSync(join(dir, 'lost+found'));
    folder.write('several/README.md', '');
    symlinkSync(join(dir, 'mbti'), join(dir, 'same'));
    expect(await findBundles(dir)).toEqual({
      bundles: [
        { dir: join(dir, 'mbti'), name: 'mbti' },
        { dir: join(dir, 'same'), name: 'same' },
        { dir: join(dir, 'tone/9'), name: 'tone', version: '9' },
        { dir: join(dir, 'tone/10'), name: 'tone', version: '10' },
      ],
      others: [join(dir, 'lost+found')],
    });
  });

  it('refuses a bundle among whose files are versions of it', async () => {
    const dir = tree('both', 'tone', 'tone/1');
    await expect(findBundles(dir)).rejects.toMatchObject({
      code: 'bundle_invalid',
      message: expect.stringContaining(join(dir, 'tone')),
    });
  });
});

describe('bundlesOf', () => {
  it('finds nothing outside of its folder', async () => {
    const dir = tree('inside', 'mbti');
    tree('outside', '.');
    expect(await bundlesOf(dir, 'mbti')).toHaveLength(1);
    for (const name of ['../outside', '..', '.', '', 'mbti/..', 'mbti\0', join(dir, 'mbti')]) {
      expect([name, await bundlesOf(dir, name)]).toEqual([name, []]);
    }
  });
});
