import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterEach, describe, expect, it } from '@jest/globals';
import {
  EngineDeath,
  EnginePool,
  type PoolObserver,
  restartDelay,
} from '../../../src/engine/index.ts';
import { packageRoot } from '../../../src/package-root.ts';
import { nothingToLoad as spec } from '../../support/engine-spec.ts';
import { isAlive } from '../../support/is-alive.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';
import { until } from '../../support/until.ts';

const folder = temporaryFolder();

/** A worker that loads nothing; texts tell it what to do. */
const obedient = folder.write(
  'obedient.mjs',
  `process.on('disconnect', () => process.exit(0));
   process.on('message', ({ type, id, text }) => {
     if (type === 'load') return process.send({ type: 'ready', loadMs: 250 });
     if (text === 'die') process.exit(7);
     if (text === 'hang') for (;;);
     if (text === 'long') {
       const timer = setInterval(() => process.send({ type: 'progress', id }), 50);
       return setTimeout(() => {
         clearInterval(timer);
         process.send({ type: 'scored', id, score: { probabilities: [process.pid], tokens: 4 } });
       }, 1500);
     }
     if (text === 'fail') return process.send({ type: 'error', id, message: 'cannot' });
     process.send({ type: 'scored', id, score: { probabilities: [process.pid], tokens: text.length } });
   });`,
);
const refusing = folder.write(
  'refusing.mjs',
  `process.on('message', () => process.send({ type: 'failed', code: 'bundle_invalid', message: 'no good', hint: 'try' }));`,
);
/** The first process is obedient, all others die once it has loaded. */
const onlyOne = folder.write(
  'only-one.mjs',
  `import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
   import { fileURLToPath } from 'node:url';
   const [taken, loaded] = ['taken', 'loaded'].map((name) => fileURLToPath(new URL(name, import.meta.url)));
   const die = () => existsSync(loaded) && process.exit(9);
   try {
     mkdirSync(taken);
     await import('./obedient.mjs');
     // The server has read of it by then.
     process.once('message', () => setTimeout(() => writeFileSync(loaded, ''), 300));
   } catch {
     setInterval(die, 10);
   }`,
);
const dying = folder.write(
  'dying.mjs',
  `
  import { writeSync } from 'node:fs';
  writeSync(2, '\\n----\\n FATAL: \\u001b[31mno memory\\n 1: 0xb8 node::Abort() [node]\\n');
  process.exit(9);`,
);

const pools: EnginePool[] = [];
afterEach(() => Promise.all(pools.splice(0).map((pool) => pool.stop())));

function start(
  workerPath: string,
  size: number,
  observer: PoolObserver = {},
  more: { readonly stallMs?: number; readonly lateMs?: number } = {},
): EnginePool {
  // A hundredth of the real ones: there are many of them.
  const delayOf = (failures: number) => restartDelay(failures) / 100;
  const pool = new EnginePool({ spec, size, workerPath, observer, delayOf, ...more });
  pools.push(pool);
  return pool;
}

describe('EnginePool', () => {
  it('ends a process that shows no sign of life, and leaves one that does alone', async () => {
    const reasons: string[] = [];
    const pool = start(
      obedient,
      1,
      { restarted: (reason) => reasons.push(reason) },
      { stallMs: 750 },
    );
    await pool.ready;
    const [pid] = pool.pids;
    expect(await pool.idle()?.score('long')).toMatchObject({ probabilities: [pid] });
    const hung = pool.idle()?.score('hang');
    await expect(hung).rejects.toThrow(EngineDeath);
    await expect(hung).rejects.toThrow('no sign of life for 750 ms');
    expect(reasons).toEqual(['no sign of life for 750 ms']);
    await until(() => pool.up === 1);
    expect(pool.pids).not.toEqual([pid]);
  });

  it('ends a process that is stuck when the deadline of its text has passed, and leaves one that goes on alone', async () => {
    const pool = start(obedient, 1, {}, { lateMs: 10 });
    await pool.ready;
    const late = { until: Date.now() };
    const [pid] = pool.pids;
    expect(await pool.idle()?.score('long', late)).toMatchObject({ probabilities: [pid] });
    const hung = pool.idle()?.score('hang', late);
    // Four times what its start took, which is what such a step may take by itself.
    await expect(hung).rejects.toThrow(/no sign of life for 1000 ms, and the deadline has passed/);
    await expect(hung).rejects.toMatchObject({ stuck: true });
    await until(() => pool.up === 1);
  });

  it('is ready when a process has come up, and says how long loading took', async () => {
    const loaded: number[] = [];
    const pool = start(obedient, 2, { loaded: (seconds) => loaded.push(seconds) });
    await pool.ready;
    await until(() => pool.up === 2);
    expect(loaded).toEqual([0.25, 0.25]);
  });

  it('gives out an engine that is idle, and none while all are busy', async () => {
    const pool = start(obedient, 1);
    await pool.ready;
    const engine = pool.idle();
    const score = engine!.score('hello');
    expect(pool.idle()).toBeUndefined();
    expect((await score).tokens).toBe(5);
    expect(pool.idle()).toBe(engine);
  });

  it('replaces a process that dies, and fails the text that it had', async () => {
    const restarted: string[] = [];
    const pool = start(obedient, 1, { restarted: (reason) => restarted.push(reason) });
    await pool.ready;
    const [before] = pool.pids;
    await expect(pool.idle()!.score('die')).rejects.toMatchObject({ code: 'engine_failed' });
    await until(() => pool.up === 1);
    expect(restarted).toEqual(['exit code 7']);
    expect(pool.pids).not.toContain(before);
    expect((await pool.idle()!.score('again')).tokens).toBe(5);
  });

  it('keeps a process that could not score one text', async () => {
    const pool = start(obedient, 1);
    await pool.ready;
    const { pids } = pool;
    await expect(pool.idle()!.score('fail')).rejects.toThrow('cannot');
    expect(pool.pids).toEqual(pids);
    expect(pool.idle()).toBeDefined();
  });

  it('gives up at once on a model that cannot be loaded, and says why', async () => {
    const pool = start(refusing, 2);
    await expect(pool.ready).rejects.toMatchObject({
      code: 'bundle_invalid',
      message: 'no good',
      hint: 'try',
    });
  });

  it('gives up at once on a model whose process ends while it loads, with its last words', async () => {
    const reasons: string[] = [];
    const pool = start(dying, 2, { restarted: (reason) => reasons.push(reason) });
    const refusal = {
      code: 'engine_failed',
      message:
        'loading onnx/model.onnx ended the inference process (exit code 9: "FATAL: \\u001b[31mno memory")',
    };
    await expect(pool.ready).rejects.toMatchObject(refusal);
    await expect(pool.warm).rejects.toMatchObject(refusal);
    await pool.stop();
    expect(reasons).toEqual([]);
  });

  it('is warm when all processes have come up, or will never be', async () => {
    const pool = start(obedient, 3);
    await pool.warm;
    expect(pool.up).toBe(3);
    await expect(start(refusing, 2).warm).rejects.toMatchObject({ code: 'bundle_invalid' });
    await expect(start(dying, 2).warm).rejects.toMatchObject({ code: 'engine_failed' });
  });

  it('is in a crash loop when processes end again and again, until one has scored a text', async () => {
    const delays: number[] = [];
    const pool = start(obedient, 1, { restarted: (_reason, delay) => delays.push(delay) });
    for (let death = 0; death < 6; death += 1) {
      await until(() => pool.up === 1);
      expect(pool.isCrashLooping).toBe(false);
      await expect(pool.idle()!.score('die')).rejects.toBeInstanceOf(EngineDeath);
    }
    expect(delays).toEqual([0, 1, 2, 4, 8, 16]);
    await until(() => pool.up === 1);
    expect(pool.isCrashLooping).toBe(true);
    await pool.idle()!.score('hello');
    expect(pool.isCrashLooping).toBe(false);
  });

  it('is in none when one process serves and the other one cannot come up', async () => {
    const delays: number[] = [];
    const pool = start(onlyOne, 2, { restarted: (_reason, delay) => delays.push(delay) });
    await until(() => delays.length >= 7);
    expect(pool.up).toBe(1);
    expect(pool.isCrashLooping).toBe(false);
  });

  it('kills a process that is stuck when it stops', async () => {
    const pool = start(obedient, 2);
    await pool.ready;
    await until(() => pool.up === 2);
    const { pids } = pool;
    const stuck = pool.idle()!.score('hang');
    const failed = expect(stuck).rejects.toMatchObject({ code: 'engine_failed' });
    await pool.stop();
    await failed;
    expect(pids.map(isAlive)).toEqual([false, false]);
    expect(pool.up).toBe(0);
  });
});

describe('a process that ends while an engine loads', () => {
  it('takes the engine along, whatever that is at', async () => {
    const stuck = folder.write('stuck.mjs', 'console.log(process.pid); for (;;);');
    const ending = folder.write(
      'ending.mjs',
      `import { EnginePool } from ${JSON.stringify(pathToFileURL(join(packageRoot, 'dist/src/engine/index.js')))};
       const [, , workerPath, spec] = process.argv;
       new EnginePool({ spec: JSON.parse(spec), size: 1, workerPath });
       process.once('SIGTERM', () => process.exit(130));`,
    );
    const child = spawn(process.execPath, [ending, stuck, JSON.stringify(spec)]);
    let pid = '';
    child.stdout.on('data', (part) => {
      pid += part;
    });
    await until(() => pid.endsWith('\n'));
    expect(isAlive(Number(pid))).toBe(true);
    child.kill('SIGTERM');
    // The engine holds the standard output that it has of the process.
    expect(await once(child, 'close')).toEqual([130, null]);
    await until(() => !isAlive(Number(pid)));
  });
});

describe('restartDelay', () => {
  it('is none for the first failure, then doubles up to 10 seconds', () => {
    expect([1, 2, 3, 4, 20].map(restartDelay)).toEqual([0, 100, 200, 400, 10_000]);
  });
});
