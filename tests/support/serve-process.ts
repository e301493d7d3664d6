import { type ChildProcess, spawn } from 'node:child_process';
import { join } from 'node:path';
import { afterAll } from '@jest/globals';
import { packageRoot } from '../../src/package-root.ts';

export interface ServeProcess {
  readonly url: string;
  readonly child: ChildProcess;
  /** Exit code or signal, once it has ended. */
  readonly ended: Promise<number | string | null>;
  output(): string;
}

const started: ChildProcess[] = [];

/** Runs `mbti-serve` as users do, on a free port, until it says that it serves; killed after the tests. */
export async function serveProcess(...args: readonly string[]): Promise<ServeProcess> {
  const bin = join(packageRoot, 'dist/src/bin/mbti-serve.js');
  const child = spawn(process.execPath, [bin, '--host', '127.0.0.1', '--port', '0', ...args], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, NODE_OPTIONS: '' },
  });
  started.push(child);
  let output = '';
  const ended = new Promise<number | string | null>((resolve) => {
    child.on('exit', (code, signal) => resolve(signal ?? code));
  });
  const url = await new Promise<string>((resolve, reject) => {
    const read = (part: Buffer) => {
      output += part.toString();
      const [, found] = /serving .* on (http:\/\/[\d.:]+)/.exec(output) ?? [];
      if (found) resolve(found);
    };
    child.stdout.on('data', read);
    child.stderr.on('data', read);
    void ended.then((how) => reject(new Error(`mbti-serve ended with ${how}: ${output}`)));
  });
  return { url, child, ended, output: () => output };
}

afterAll(() => {
  for (const child of started) child.kill('SIGKILL');
});
