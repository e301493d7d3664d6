import { closeSync, fstatSync, openSync, readSync } from 'node:fs';

/** The process behind `commandHost` (run-commands.ts): it runs one built command after another. */

export interface Order {
  /** URL of the command's script. */
  readonly url: string;
  readonly args: readonly string[];
  readonly cwd: string;
  readonly env: NodeJS.ProcessEnv;
}

class Exit extends Error {}

const [, host = '', ...files] = process.argv;
const OUTPUT = [1, 2] as const;
const readers = files.map((file) => openSync(file, 'r'));
const channel = process.send?.bind(process);
let count = 0;

/** What was written to a stream, by JavaScript or by native code, since it was `from` bytes long. */
function written(at: number, from: number): string {
  const bytes = Buffer.alloc(fstatSync(OUTPUT[at] ?? 0).size - from);
  readSync(readers[at] ?? -1, bytes, 0, bytes.length, from);
  return bytes.toString();
}

async function run({ url, args, cwd, env }: Order): Promise<void> {
  const from = OUTPUT.map((stream) => fstatSync(stream).size);
  process.chdir(cwd);
  for (const name of Object.keys(process.env)) if (!(name in env)) delete process.env[name];
  Object.assign(process.env, env);
  process.argv = [process.execPath, host, ...args];
  process.exitCode = undefined;
  let isAnswered = false;
  const answer = (code: number) => {
    if (isAnswered) return;
    isAnswered = true;
    channel?.({ code, stdout: written(0, from[0] ?? 0), stderr: written(1, from[1] ?? 0) });
  };
  process.exit = (code) => {
    answer(Number(code ?? process.exitCode ?? 0));
    throw new Exit();
  };
  count += 1;
  // A module of its own for every run: the script begins anew, what it imports is loaded once.
  await import(`${url}?run=${count}`);
  answer(Number(process.exitCode ?? 0));
}

// Every run listens for the errors of its standard output, and a server for signals.
process.stdout.setMaxListeners(0);
process.setMaxListeners(0);
let last = Promise.resolve();
process.on('message', (order: Order) => {
  last = last.then(() => run(order));
});
process.on('disconnect', () => {
  for (const reader of readers) closeSync(reader);
});
