import { type ChildProcess, fork } from 'node:child_process';
import { AppError } from '../errors.ts';
import { shown } from '../files/index.ts';
import { CHARACTERS_PER_TOKEN } from '../text/index.ts';
import type { EngineReply, EngineRequest, EngineSpec } from './protocol.ts';
import {
  type Begun,
  type Engine,
  EngineDeath,
  isAlone,
  type Score,
  type ScoreOptions,
} from './score.ts';

interface Pending {
  /** Estimated. */
  readonly tokens: number;
  readonly options: ScoreOptions;
  readonly resolve: (score: Score) => void;
  readonly reject: (error: AppError) => void;
}

export interface EngineProcessEvents {
  /** The model is loaded and has answered a warm-up. */
  ready(loadMs: number): void;
  /** It waits for work again. */
  idle(): void;
  /** The process is gone. `refusal`: why the model cannot be loaded at all. */
  exit(reason: string, refusal: AppError | undefined): void;
}

/** Texts that a process is given at a time, where several are computed together. */
const MOST_TOGETHER = 128;

/** Milliseconds without a sign of life after which a process that is at a text is ended. */
export const STALL_MS = 120_000;

/** Characters: what a runtime says when it dies begins with why; traces of its stack follow. */
const MOST_LAST_WORDS = 4_096;

/**
 * How long a process may be at one step of a text after the text's deadline: a few times what its start took, which
 * held the longest window.
 */
const LATE_MS = 5_000;
const LATE_LOADS = 4;

/** How long a process may take to end by itself before it is killed. */
const GRACE_MS = 500;

/** Those that would be left behind where this process ends without having stopped them. */
const running = new Set<ChildProcess>();

const endAll = (): void => {
  for (const child of running) child.kill('SIGKILL');
};

function begun(child: ChildProcess): void {
  if (running.size === 0) process.once('exit', endAll);
  running.add(child);
}

function ended(child: ChildProcess): void {
  running.delete(child);
  if (running.size === 0) process.off('exit', endAll);
}

/** One inference process, seen from the server: scores one text at a time, or those of a batch together. */
export class EngineProcess implements Engine {
  readonly #child: ChildProcess;
  readonly #events: EngineProcessEvents;
  #state: 'loading' | 'up' | 'gone' = 'loading';
  /** By id: one text, or where several are computed together some more, for this batch and the next. */
  readonly #pending = new Map<number, Pending>();
  #nextId = 0;
  #refusal: AppError | undefined;
  readonly #stallMs: number;
  readonly #batchTokens: number;
  #stallTimer: NodeJS.Timeout | undefined;
  #stalled: string | undefined;
  #isLate = false;
  #lateMs: number;
  #memoryBytes = 0;
  /** What it has said on standard error. */
  #lastWords = '';

  constructor(
    workerPath: string,
    spec: EngineSpec,
    events: EngineProcessEvents,
    { stallMs = STALL_MS, lateMs = LATE_MS }: { stallMs?: number; lateMs?: number } = {},
  ) {
    this.#events = events;
    this.#stallMs = stallMs;
    this.#lateMs = lateMs;
    this.#batchTokens = spec.batchTokens;
    this.#child = fork(workerPath, [String(process.pid)], {
      execArgv: [],
      env: { ...process.env, ORT_DISABLE_TELEMETRY: '1' },
      stdio: ['ignore', 'inherit', spec.verbose ? 'inherit' : 'pipe', 'ipc'],
    });
    this.#child.stderr?.on('data', (part: Buffer) => {
      if (this.#lastWords.length < MOST_LAST_WORDS) this.#lastWords += part.toString('latin1');
    });
    begun(this.#child);
    this.#child.on('message', (reply: EngineReply) => this.#receive(reply));
    this.#child.on('error', (error) => this.#end(error.message));
    this.#child.on('exit', (code, signal) => {
      const { stderr } = this.#child;
      const end = () => this.#end(this.#endingOf(code, signal));
      // What it said last may still be on its way.
      if (stderr && !stderr.closed) stderr.once('close', end);
      else end();
    });
    this.#send({ type: 'load', spec });
  }

  get pid(): number | undefined {
    return this.#child.pid;
  }

  /** Resident, as it was a moment ago; 0 before the model is loaded, and once the process is gone. */
  get memoryBytes(): number {
    return this.#state === 'gone' ? 0 : this.#memoryBytes;
  }

  get isUp(): boolean {
    return this.#state === 'up';
  }

  /** Takes a text, or with `alone` one that must have no other beside it. */
  isIdle(alone = false): boolean {
    if (!this.isUp) return false;
    if (this.#pending.size === 0) return true;
    if (alone || this.#batchTokens === 0 || this.#pending.size >= MOST_TOGETHER) return false;
    const all = [...this.#pending.values()];
    const tokens = all.reduce((sum, pending) => sum + pending.tokens, 0);
    return tokens < 2 * this.#batchTokens && !all.some(({ options }) => isAlone(options));
  }

  score(text: string, options: ScoreOptions = {}): Promise<Score> {
    if (!this.isIdle(isAlone(options))) {
      return Promise.reject(new AppError('internal', 'this engine is not idle'));
    }
    this.#nextId += 1;
    const id = this.#nextId;
    return new Promise((resolve, reject) => {
      const isFirst = this.#pending.size === 0;
      this.#pending.set(id, {
        tokens: text.length / CHARACTERS_PER_TOKEN,
        options,
        resolve,
        reject,
      });
      if (isFirst) this.#watch(this.#lateLimit());
      this.#send({ type: 'score', id, ...needed(text, options) });
    });
  }

  /** Resolves once the process has ended: by itself, or killed if it is busy for too long. */
  stop(): Promise<void> {
    const { exitCode, signalCode } = this.#child;
    if (this.#state === 'gone' || exitCode !== null || signalCode !== null) {
      return Promise.resolve();
    }
    return new Promise((resolve) => {
      const timer = setTimeout(() => this.#child.kill('SIGKILL'), GRACE_MS);
      this.#child.once('exit', () => {
        clearTimeout(timer);
        resolve();
      });
      if (this.#child.connected) this.#child.disconnect();
    });
  }

  #send(request: EngineRequest): void {
    // A process that has just died cannot be written to; its exit event follows.
    this.#child.send(request, () => {});
  }

  #receive(reply: EngineReply): void {
    switch (reply.type) {
      case 'ready':
        this.#state = 'up';
        this.#lateMs = Math.max(this.#lateMs, LATE_LOADS * reply.loadMs);
        this.#events.ready(reply.loadMs);
        this.#events.idle();
        return;
      case 'failed': {
        const { code, message, hint } = reply;
        this.#refusal = new AppError(code, message, hint === undefined ? {} : { hint });
        this.#child.kill('SIGKILL');
        return;
      }
      case 'memory':
        this.#memoryBytes = reply.bytes;
        return;
      case 'progress':
        this.#progress(reply.id);
        return;
      case 'scored':
        this.#settle(reply.id, (pending) => pending.resolve(whole(reply.score, pending.options)));
        return;
      case 'error':
        this.#settle(reply.id, (pending) =>
          pending.reject(new AppError('engine_failed', reply.message)),
        );
    }
  }

  #progress(id: number): void {
    const pending = this.#pending.get(id);
    // How long a window takes to explain is not known.
    if (pending) this.#watch(pending.options.explain ? undefined : this.#lateLimit());
  }

  /** Milliseconds until a step is late that somebody's deadline is about. */
  #lateLimit(): number {
    const deadlines = [...this.#pending.values()].map(({ options }) => options.until ?? Infinity);
    return Math.max(Math.min(...deadlines) - Date.now(), 0) + this.#lateMs;
  }

  /** A process that is stopped, or hangs, would hold its text and its place for ever. */
  #watch(lateMs = Number.POSITIVE_INFINITY): void {
    clearTimeout(this.#stallTimer);
    const isLate = lateMs < this.#stallMs;
    const ms = isLate ? lateMs : this.#stallMs;
    this.#stallTimer = setTimeout(() => {
      this.#isLate = isLate;
      this.#stalled = `no sign of life for ${Math.round(ms)} ms${isLate ? ', and the deadline has passed' : ''}`;
      this.#child.kill('SIGKILL');
    }, ms);
    this.#stallTimer.unref();
  }

  #settle(id: number, settle: (pending: Pending) => void): void {
    const pending = this.#pending.get(id);
    if (!pending) return;
    this.#pending.delete(id);
    if (this.#pending.size > 0) this.#watch(this.#lateLimit());
    else clearTimeout(this.#stallTimer);
    settle(pending);
    this.#events.idle();
  }

  #endingOf(code: number | null, signal: string | null): string {
    const [words] = this.#lastWords.match(/^.*[a-zA-Z].*$/m) ?? [];
    return `${signal ?? `exit code ${code}`}${words ? `: ${shown(words.trim())}` : ''}`;
  }

  #end(ending: string): void {
    if (this.#state === 'gone') return;
    this.#state = 'gone';
    ended(this.#child);
    clearTimeout(this.#stallTimer);
    const reason = this.#stalled ?? ending;
    const pending = [...this.#pending.values()];
    this.#pending.clear();
    for (const { reject } of pending) {
      reject(new EngineDeath(reason, pending.length > 1, this.#isLate));
    }
    this.#events.exit(reason, this.#refusal);
  }
}

/** What a process needs of a text: results of earlier windows at the very end, the text to begin and to explain it. */
function needed(
  text: string,
  options: ScoreOptions,
): { readonly text: string; readonly options: ScoreOptions } {
  const { begun, explain } = options;
  if (!begun) return { text, options };
  if (begun.windows.length === 0) return { text: explain ? text : '', options };
  return { text: '', options: { ...options, begun: { ...begun, results: [] } } };
}

/** A score with the results of earlier times before those of this time. */
function whole(score: Score, { begun: before }: ScoreOptions): Score {
  const { begun } = score;
  if (!begun || !before) return score;
  const all: Begun = { ...begun, results: [...before.results, ...begun.results] };
  return { ...score, begun: all };
}
