import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { fingerprint, watchFolders } from '../../../src/models/watch-bundle.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';
import { until } from '../../support/until.ts';

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

describe('a watch, look by look', () => {
  /** What it does where folder `f` looks so at each of a row of looks: the looks at which it was reloaded, from 0. */
  async function reloadsAt(looks: readonly string[], known: string | undefined, fails = false) {
    const reloads: number[] = [];
    let look = -1;
    let next: () => void = () => {};
    const stop = watchFolders(() => Promise.resolve(['f']), {
      known: new Map(known === undefined ? [] : [['f', known]]),
      look: async () => looks[look] ?? '',
      reload: async () => {
        reloads.push(look);
        if (fails) throw new Error('refused');
      },
      every: (milliseconds, call) => {
        expect(milliseconds).toBe(2000);
        next = call;
        return () => {
          next = () => {};
        };
      },
    });
    for (look = 0; look < looks.length; look++) {
      next();
      // All that a look does is promises that are kept already.
      await new Promise((resolve) => setImmediate(resolve));
    }
    stop();
    next();
    return reloads;
  }

  it.each<[string, string, string | undefined, number[]]>([
    ['no change', 'aaaa', 'a', []],
    ['a change, once two looks agree', 'abbb', 'a', [2]],
    ['a copy on its way, only at its end', 'abcdeee', 'a', [5]],
    ['a change that is taken back before it settles', 'abaa', 'a', []],
    ['a change there and back', 'abbaa', 'a', [2, 4]],
    ['what never settles', 'abcdefg', 'a', []],
    ['a folder that nobody knew, once it has settled', 'xx', undefined, [1]],
    ['a change before the first look', 'bb', 'a', [1]],
  ])('sees %s', async (_, looks, known, expected) => {
    expect(await reloadsAt([...looks], known)).toEqual(expected);
  });

  it('reloads exactly where a look is as the last one and not as the last that was reloaded, failed or not', async () => {
    const looks = fc.array(fc.constantFrom('a', 'b', 'c'), { maxLength: 12 });
    await fc.assert(
      fc.asyncProperty(looks, fc.boolean(), async (row, fails) => {
        let served = 'a';
        const expected = row.flatMap((now, i) => {
          if (now !== row[i - 1] || now === served) return [];
          served = now;
          return [i];
        });
        expect(await reloadsAt(row, 'a', fails)).toEqual(expected);
      }),
      { numRuns: 100 },
    );
  });

  it('begins no look while another one is going on', async () => {
    const world = { looks: 0, end: () => {}, next: () => {} };
    watchFolders(() => Promise.resolve(['f']), {
      known: new Map(),
      look: () => {
        world.looks += 1;
        return new Promise((resolve) => {
          world.end = () => resolve('a');
        });
      },
      reload: async () => {},
      every: (_ms, call) => {
        world.next = call;
        return () => {};
      },
    });
    for (let i = 0; i < 3; i++) {
      world.next();
      await new Promise((resolve) => setImmediate(resolve));
    }
    expect(world.looks).toBe(1);
    world.end();
    await new Promise((resolve) => setImmediate(resolve));
    world.next();
    await new Promise((resolve) => setImmediate(resolve));
    expect(world.looks).toBe(2);
  });
});
