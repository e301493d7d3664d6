import { type ChildProcess, fork, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { loadConfig } from '../../../src/config/index.ts';
import { openModel } from '../../../src/models/open-model.ts';
import { packageRoot } from '../../../src/package-root.ts';
import { isAlive } from '../../support/is-alive.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';
import { writeTinyBundle } from '../../support/tiny-bundle.ts';
import { until } from '../../support/until.ts';

const folder = temporaryFolder();
const bundle = join(folder.path, 'mbti');
beforeAll(() => writeTinyBundle(bundle));

const started: ChildProcess[] = [];
afterAll(() => {
  for (const child of started) child.kill('SIGKILL');
});

/** Run before the worker: every text blocks its thread for longer, as texts do that a real model is at. */
const longTexts = folder.write(
  'long-texts.mjs',
  `import { writeSync } from 'node:fs';
   const send = process.send.bind(process);
   process.send = (message, ...others) => {
     if (message.type === 'scored') {
       writeSync(1, 'begun');
       Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 100);
     }
     return send(message, ...others);
   };`,
);

/** An inference process that has loaded the tiny model, as a server starts one. */
async function loadedWorker(...preloads: readonly string[]) {
  const { spec } = await openModel({ dir: bundle }, loadConfig({}).config);
  const child = fork(join(packageRoot, 'dist/src/engine/worker.js'), [], {
    execArgv: preloads.flatMap((path) => ['--import', path]),
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
  });
  started.push(child);
  let output = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream?.on('data', (part) => {
      output += part;
    });
  }
  child.send({ type: 'load', spec });
  expect(await once(child, 'message')).toMatchObject([{ type: 'ready' }, undefined]);
  return { child, output: () => output };
}

const text = 'quiet evening garden plans long warm day friends argue theory dream alone reading ';

/** A parent that starts an inference process which never comes back from loading, tells its id, and waits. */
const parent = folder.write(
  'parent.mjs',
  `import { fork } from 'node:child_process';
   const [, , worker, busy] = process.argv;
   const child = fork(worker, [String(process.pid)], { execArgv: ['--import', busy] });
   child.send({ type: 'load' });
   console.log(child.pid);
   setInterval(() => {}, 1000);`,
);

/** Run before a worker: once it listens, its first message keeps its thread for ever. */
const busy = folder.write(
  'busy.mjs',
  `import { writeSync } from 'node:fs';
   process.once('newListener', function listens(name) {
     if (name !== 'message') return process.once('newListener', listens);
     process.once('message', () => {
       writeSync(2, 'busy');
       for (;;);
     });
   });`,
);

describe('an inference process', () => {
  it('ends with its parent, also where that is killed and it is busy itself', async () => {
    const worker = join(packageRoot, 'dist/src/engine/worker.js');
    const child = spawn(process.execPath, [parent, worker, busy], { env: {} });
    started.push(child);
    let [pid, errors] = ['', ''];
    child.stdout.on('data', (part) => {
      pid += part;
    });
    child.stderr.on('data', (part) => {
      errors += part;
    });
    await until(() => errors.includes('busy') && pid.endsWith('\n'));
    expect(isAlive(Number(pid))).toBe(true);
    child.kill('SIGKILL');
    try {
      await until(() => !isAlive(Number(pid)));
    } finally {
      if (isAlive(Number(pid))) process.kill(Number(pid), 'SIGKILL');
    }
  });

  it('ends without a word when the server goes while it is at a text', async () => {
    const { child, output } = await loadedWorker(longTexts);
    child.send({ type: 'score', id: 1, text, options: {} });
    await until(() => output() === 'begun');
    child.disconnect();
    const ended = Promise.all([once(child, 'exit'), once(child.stderr!, 'close')]);
    expect((await ended)[0]).toEqual([0, null]);
    expect(output()).toBe('begun');
  });
});
