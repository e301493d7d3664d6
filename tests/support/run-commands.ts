import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, mkdtempSync, openSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll } from '@jest/globals';
import { packageRoot } from '../../src/package-root.ts';
import type { Order } from './command-host.ts';
import type { Ended, RunBinOptions, runBin } from './run-bin.ts';

/**
 * Runs built commands as `runBin` does, one after the other in one process of the suite: what they import is
 * loaded once, which is most of what a short command costs. Exit code and output are those of a command of its own;
 * how a process ends by itself, and signals, take `runBin`.
 */
export function commandHost(): (
  bin: Parameters<typeof runBin>[0],
  args: readonly string[],
  options: Pick<RunBinOptions, 'cwd' | 'env'>,
) => Promise<Ended> {
  let host: ChildProcess | undefined;
  let last: Promise<unknown> = Promise.resolve();
  const folder = mkdtempSync(join(tmpdir(), 'mbti-commands-'));
  afterAll(async () => {
    if (host?.connected) {
      host.disconnect();
      host.kill('SIGKILL');
      await once(host, 'exit');
    }
    rmSync(folder, { recursive: true, force: true });
  });
  const answer = async (order: Order): Promise<Ended> => {
    host ??= startHost(folder);
    const child = host;
    child.send(order);
    const heard = new AbortController();
    try {
      const [ended] = await Promise.race([
        once(child, 'message', heard),
        once(child, 'exit', heard).then((how) => {
          throw new Error(`the process of the commands ended with ${how}: ${order.args.join(' ')}`);
        }),
      ]);
      return ended;
    } finally {
      heard.abort();
    }
  };
  return (bin, args, { cwd, env = {} }) => {
    const url = pathToFileURL(join(packageRoot, 'dist', `${bin}.js`)).href;
    const order = { url, args, cwd, env: { ...process.env, NODE_OPTIONS: '', ...env } };
    const ended = last.then(() => answer(order));
    last = ended.catch(() => {});
    return ended;
  };
}

/** Its output goes into files: nothing of it is still on its way when a command has ended. */
function startHost(folder: string): ChildProcess {
  const files = ['stdout', 'stderr'].map((name) => join(folder, name));
  const outputs = files.map((file) => openSync(file, 'a'));
  const script = join(packageRoot, 'dist/tests/support/command-host.js');
  const child = fork(script, files, {
    execArgv: [],
    env: { ...process.env, NODE_OPTIONS: '' },
    stdio: ['ignore', ...outputs, 'ipc'],
  });
  for (const output of outputs) closeSync(output);
  return child;
}
