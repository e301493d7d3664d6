import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from '@jest/globals';
import { fingerprint, watchFolders } from '../../src/watch-bundle.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';
import { until } from '../support/until.ts';

const folder = temporaryFolder();
const stops: (() => void)[] = [];
afterEach(() => {
  for (const stop of stops.splice(0)) stop();
});

async function watched(name: string, reload: () => Promise<unknown> = () => Promise.resolve()) {
  folder.write(`${name}/manifest.json`, 'one');
  const dir = join(folder.path, name);
  const seen = { reloads: 0 };
  const known = new Map([[dir, await fingerprint(dir)]]);
  const counting = () => {
    seen.reloads += 1;
    return reload();
  };
  const folders = () => Promise.resolve([dir]);
  stops.push(watchFolders(folders, { known, reload: counting, intervalMs: 10 }));
  return { dir, seen };
}

const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

describe('watchFolders', () => {
  it('reloads once for a change, and not without one', async () => {
    const { dir, seen } = await watched('changed');
    await pause(50);
    expect(seen.reloads).toBe(0);
    writeFileSync(join(dir, 'manifest.json'), 'another');
    await until(() => seen.reloads > 0);
    await pause(50);
    expect(seen.reloads).toBe(1);
  });

  it('tries a bundle that was refused again once it changes', async () => {
    const { dir, seen } = await watched('refused', () => Promise.reject(new Error('no')));
    writeFileSync(join(dir, 'manifest.json'), 'bad');
    await until(() => seen.reloads > 0);
    await pause(50);
    expect(seen.reloads).toBe(1);
    writeFileSync(join(dir, 'model.onnx'), 'complete');
    await until(() => seen.reloads === 2);
  });

  it('tells once where the folders cannot be listed, and goes on when they can', async () => {
    folder.write('listed/manifest.json', 'one');
    const dir = join(folder.path, 'listed');
    const world = { unreadable: 0, looks: 0, isThere: false, reloads: 0 };
    stops.push(
      watchFolders(
        () => {
          world.looks += 1;
          return world.isThere ? Promise.resolve([dir]) : Promise.reject(new Error('gone'));
        },
        {
          known: new Map(),
          reload: async () => {
            world.reloads += 1;
          },
          onUnreadable: () => {
            world.unreadable += 1;
          },
          intervalMs: 5,
        },
      ),
    );
    await until(() => world.looks > 3);
    expect(world.unreadable).toBe(1);
    world.isThere = true;
    await until(() => world.reloads === 1);
    world.isThere = false;
    await until(() => world.unreadable === 2);
  });

  it('sees a change in a folder of the folder', async () => {
    folder.write('deep/onnx/model.onnx', 'one');
    const { dir, seen } = await watched('deep');
    writeFileSync(join(dir, 'onnx/model.onnx'), 'another');
    await until(() => seen.reloads > 0);
  });

  it('sees a folder that another one takes the place of', async () => {
    const { dir, seen } = await watched('replaced');
    rmSync(dir, { recursive: true });
    folder.write('replaced/manifest.json', 'one');
    await until(() => seen.reloads > 0);
  });
});
