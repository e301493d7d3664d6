import { type ChildProcess, fork } from 'node:child_process';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { AppError } from '../../../src/errors.ts';
import { onOneLine } from '../../../src/files/index.ts';
import { packageRoot } from '../../../src/package-root.ts';
import type {
  Allowance,
  Answer,
  GraphPort,
  Opening,
  PlainTensor,
  PlainTensors,
  Running,
} from './protocol.ts';

/** A session in a process of its own. What the runtime says of an error is an Error, as it is in this process. */
export interface GuardedSession {
  readonly pid: number | undefined;
  readonly inputs: readonly GraphPort[];
  run(feeds: PlainTensors, wanted?: readonly string[]): Promise<PlainTensors>;
  release(): Promise<void>;
}

export interface GuardOptions {
  /** 0: one for each core. */
  readonly threads: number;
  readonly allowance: Allowance;
}

const defaultProcess = join(packageRoot, 'dist/training/runtime/guard/process.js');

/** What a model of so many bytes may use: the runtime holds it several times while it loads it. */
export const allowanceFor = (bytes: number): Allowance => ({
  bytes: 768 * 2 ** 20 + 4 * bytes,
  seconds: 3 + Math.ceil(bytes / 5e6),
});

/**
 * Loads a model whose origin nobody knows in a process that is ended when it takes too much. AppError `model_invalid`
 * where it does, or where the runtime dies of it; an Error where the runtime refuses it.
 *
 * @param chunks the file, in order
 */
export async function openGuarded(
  chunks: readonly Uint8Array[],
  options: GuardOptions,
): Promise<GuardedSession> {
  const process_ = new GuardedProcess(chunks, options);
  const answer = await process_.opened;
  return {
    pid: process_.pid,
    inputs: answer,
    run: (feeds, wanted) => process_.run(feeds, wanted),
    release: () => process_.end(),
  };
}

class GuardedProcess {
  readonly opened: Promise<readonly GraphPort[]>;
  readonly #child: ChildProcess;
  readonly #gone: Promise<void>;
  #said = '';
  #waiting: { resolve: (answer: Answer) => void; reject: (error: Error) => void } | undefined;
  #ended: AppError | undefined;

  constructor(chunks: readonly Uint8Array[], { threads, allowance }: GuardOptions) {
    this.#child = fork(defaultProcess, [], {
      execArgv: [],
      env: { ...process.env, NODE_OPTIONS: '', ORT_DISABLE_TELEMETRY: '1' },
      serialization: 'advanced',
      stdio: ['pipe', 'pipe', 'ignore', 'ipc'],
    });
    this.#child.stdout?.on('data', (text: Buffer) => {
      this.#said += text;
    });
    this.#child.on('message', (answer: Answer) => this.#settle(answer));
    this.#child.on('error', (error) => this.#fail(error.message));
    this.#gone = new Promise((resolve) => {
      this.#child.on('close', (code, signal) => {
        const why =
          this.#said || `the runtime ended its process (${signal ?? `exit code ${code}`})`;
        this.#fail(why);
        resolve();
      });
    });
    const length = chunks.reduce((sum, chunk) => sum + chunk.length, 0);
    this.opened = this.#ask({ type: 'open', length, threads, allowance }).then((answer) =>
      answer.type === 'opened' ? answer.inputs : [],
    );
    // Where the process ends before it has read all, its end says why.
    const { stdin } = this.#child;
    if (stdin) pipeline(Readable.from(chunks, { objectMode: false }), stdin).catch(() => {});
    this.opened.catch(() => this.#child.kill('SIGKILL'));
  }

  get pid(): number | undefined {
    return this.#child.pid;
  }

  async run(feeds: PlainTensors, wanted?: readonly string[]): Promise<PlainTensors> {
    const plain = Object.fromEntries(
      Object.entries(feeds).map(([name, { type, data, dims }]): [string, PlainTensor] => [
        name,
        { type, data, dims: [...dims] },
      ]),
    );
    const answer = await this.#ask({ type: 'run', feeds: plain, wanted });
    return answer.type === 'results' ? answer.results : {};
  }

  async end(): Promise<void> {
    this.#child.kill('SIGKILL');
    await this.#gone;
  }

  #ask(question: Opening | Running): Promise<Answer> {
    return new Promise((resolve, reject) => {
      if (this.#ended) return reject(this.#ended);
      this.#waiting = { resolve, reject };
      this.#child.send(question, (error) => {
        if (error) this.#fail(error.message);
      });
    });
  }

  #settle(answer: Answer): void {
    const waiting = this.#waiting;
    this.#waiting = undefined;
    if (answer.type === 'failed') waiting?.reject(new Error(answer.message));
    else waiting?.resolve(answer);
  }

  #fail(why: string): void {
    this.#ended ??= new AppError(
      'model_invalid',
      `the model was tried in a process of its own: ${onOneLine(why)}`,
    );
    this.#waiting?.reject(this.#ended);
    this.#waiting = undefined;
  }
}
