import { join } from 'node:path';
import { type Cancel, type Clock, systemClock } from '../clock.ts';
import { AppError } from '../errors.ts';
import { packageRoot } from '../package-root.ts';
import { availableCores } from './cores.ts';
import { EngineProcess, type EngineProcessEvents } from './engine-process.ts';
import { type EngineSpec, isOnCpu } from './protocol.ts';
import type { Engine, Engines } from './score.ts';

/** What others want to know of the pool's life; all are optional. */
export interface PoolObserver {
  readonly loaded?: (seconds: number, pid: number | undefined) => void;
  readonly restarted?: (reason: string, delayMs: number) => void;
  /** A process was refused the bundle after others had loaded it: its files have changed. */
  readonly refused?: (error: AppError) => void;
}

export interface PoolOptions {
  readonly spec: EngineSpec;
  /** Processes; 0: one for each core that is available, or one on a device. */
  readonly size: number;
  /** The compiled worker; forked processes run no TypeScript. */
  readonly workerPath?: string;
  readonly observer?: PoolObserver;
  /** Milliseconds without a sign of life after which a process that is at a text is ended. */
  readonly stallMs?: number;
  /** The same once the deadline of its text has passed, where its start did not show it to be slow. */
  readonly lateMs?: number;
  /** Milliseconds before a restart, by failures in a row. */
  readonly delayOf?: (failuresInARow: number) => number;
  readonly clock?: Clock;
  /** Starts one process; by default the worker. */
  readonly startProcess?: (events: EngineProcessEvents) => ManagedEngine;
}

/** What the pool needs of a process. */
export type ManagedEngine = Pick<
  EngineProcess,
  'pid' | 'memoryBytes' | 'isUp' | 'isIdle' | 'score' | 'stop'
>;

const defaultWorker = join(packageRoot, 'dist/src/engine/worker.js');

/** Processes that end one after the other beside some that serve, after which loading in all of them is given up. */
const MOST_FAILED_STARTS = 5;

/** With one process for each slot and so many more dead, it is no single text that kills them. */
const DEATHS_OF_A_LOOP = 5;

/** A process that is up for so long ends a crash loop: without readiness no text may ever come. */
const STEADY_MS = 30_000;

/** Milliseconds before a restart, by how many ended in a row without one having scored a text or stayed. */
const backOff = { first: 100, most: 10_000 };

/** Inference processes that are started again when they die. */
export class EnginePool implements Engines {
  readonly size: number;
  /** Resolves once a model has answered a warm-up; rejects where none ever will. */
  readonly ready: Promise<void>;
  readonly #options: PoolOptions;
  readonly #slots: (ManagedEngine | undefined)[];
  readonly #listeners: (() => void)[] = [];
  readonly #clock: Clock;
  /** Restarts that are to come. */
  readonly #restarts = new Set<Cancel>();
  /** As `ready`, of all processes at once. */
  readonly warm: Promise<void>;
  readonly #settleWarm: { resolve: () => void; reject: (error: AppError) => void };
  readonly #settleReady: { resolve: () => void; reject: (error: AppError) => void };
  #failuresInARow = 0;
  /** Of them, those of processes that had come up. */
  #deathsInARow = 0;
  /** Since when each slot's process is up, by the clock. */
  readonly #upSince = new Map<number, number>();
  #cameUp = false;
  #stopped = false;

  constructor(options: PoolOptions) {
    this.#options = options;
    this.#clock = options.clock ?? systemClock;
    this.size = options.size || (isOnCpu(options.spec) ? availableCores() : 1);
    const ready = deferred();
    const warm = deferred();
    this.ready = ready.promise;
    this.warm = warm.promise;
    this.#settleReady = ready;
    this.#settleWarm = warm;
    this.#slots = new Array<ManagedEngine | undefined>(this.size).fill(undefined);
    for (let slot = 0; slot < this.size; slot += 1) this.#start(slot);
  }

  get up(): number {
    return this.#slots.filter((engine) => engine?.isUp).length;
  }

  /** Resident bytes of all its processes. */
  get memoryBytes(): number {
    return this.#slots.reduce((sum, engine) => sum + (engine?.memoryBytes ?? 0), 0);
  }

  /** Whether processes come up only to end, again and again, and none scores a text or stays. */
  get isCrashLooping(): boolean {
    if (this.#deathsInARow < this.size + DEATHS_OF_A_LOOP) return false;
    const steady = this.#clock.now() - STEADY_MS;
    return ![...this.#upSince.values()].some((since) => since <= steady);
  }

  /** Process ids of the engines that are up. */
  get pids(): number[] {
    return this.#slots.flatMap((engine) =>
      engine?.isUp && engine.pid !== undefined ? [engine.pid] : [],
    );
  }

  idle(alone = false): Engine | undefined {
    return this.#slots.find((engine) => engine?.isIdle(alone));
  }

  onIdle(listener: () => void): void {
    this.#listeners.push(listener);
  }

  /** Ends every process; resolves once all are gone. */
  async stop(): Promise<void> {
    this.#stopped = true;
    for (const cancel of this.#restarts) cancel();
    this.#restarts.clear();
    this.#giveUp(new AppError('not_ready', 'the server was stopped while the model was loaded'));
    await Promise.all(this.#slots.map((engine) => engine?.stop()));
  }

  /** Has no effect on promises that are settled. */
  #giveUp(error: AppError): void {
    this.#settleReady.reject(error);
    this.#settleWarm.reject(error);
  }

  #start(slot: number): void {
    if (this.#stopped) return;
    const { workerPath = defaultWorker, spec, observer, startProcess } = this.#options;
    let hasScored = false;
    let cameUp = false;
    const events: EngineProcessEvents = {
      ready: (loadMs) => {
        this.#cameUp = true;
        this.#upSince.set(slot, this.#clock.now());
        this.#settleReady.resolve();
        if (this.up === this.size) this.#settleWarm.resolve();
        observer?.loaded?.(loadMs / 1000, engine.pid);
      },
      idle: () => {
        // The first time it has come up, after that it has scored.
        hasScored = cameUp;
        cameUp = true;
        if (hasScored) this.#failuresInARow = this.#deathsInARow = 0;
        for (const listener of this.#listeners) listener();
      },
      exit: (reason, refusal) => {
        this.#slots[slot] = undefined;
        this.#countDeath(slot);
        this.#afterExit(slot, reason, refusal);
      },
    };
    const engine: ManagedEngine =
      startProcess?.(events) ?? new EngineProcess(workerPath, spec, events, this.#options);
    this.#slots[slot] = engine;
  }

  /** Of a process that had come up; one that was up for long begins a new row, also where no text ever comes. */
  #countDeath(slot: number): void {
    const since = this.#upSince.get(slot);
    if (since === undefined) return;
    this.#upSince.delete(slot);
    if (since <= this.#clock.now() - STEADY_MS) this.#failuresInARow = this.#deathsInARow = 0;
    this.#deathsInARow += 1;
  }

  #afterExit(slot: number, reason: string, refusal: AppError | undefined): void {
    if (this.#stopped) return;
    this.#failuresInARow += 1;
    if (!this.#cameUp || refusal || this.#failuresInARow >= MOST_FAILED_STARTS) {
      // Where none has loaded the model, another one would end as this one did.
      this.#giveUp(refusal ?? loadDeath(this.#options.spec, reason));
      if (!this.#cameUp) return;
    }
    const { observer, delayOf = restartDelay } = this.#options;
    if (refusal) observer?.refused?.(refusal);
    const delayMs = delayOf(this.#failuresInARow);
    observer?.restarted?.(refusal?.message ?? reason, delayMs);
    const cancel = this.#clock.after(
      delayMs,
      () => {
        this.#restarts.delete(cancel);
        this.#start(slot);
      },
      { keepsAlive: true },
    );
    this.#restarts.add(cancel);
  }
}

/** Milliseconds: none after the first failure, then doubling. */
export function restartDelay(failuresInARow: number): number {
  if (failuresInARow <= 1) return 0;
  return Math.min(backOff.first * 2 ** (failuresInARow - 2), backOff.most);
}

function loadDeath({ modelFile }: EngineSpec, reason: string): AppError {
  return new AppError(
    'engine_failed',
    `loading ${modelFile} ended the inference process (${reason})`,
    { hint: 'see that there is enough memory; else the file itself is what ends it' },
  );
}

function deferred() {
  let resolve = () => {};
  let reject: (error: AppError) => void = () => {};
  const promise = new Promise<void>((onResolve, onReject) => {
    resolve = onResolve;
    reject = onReject;
  });
  // Whoever awaits it still sees the rejection; nobody has to.
  promise.catch(() => {});
  return { promise, resolve, reject };
}
