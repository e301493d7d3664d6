import type { EngineProcessEvents } from '../../src/engine/engine-process.ts';
import { EngineDeath, type Score } from '../../src/engine/index.ts';
import type { AppError } from '../../src/errors.ts';
import { fakeScore } from './fake-engines.ts';

/** An inference process that does what the test says. */
export class FakeProcess {
  readonly pid: number;
  readonly events: EngineProcessEvents;
  state: 'loading' | 'up' | 'gone' = 'loading';
  isStopping = false;
  #job: { resolve: (score: Score) => void; reject: (error: AppError) => void } | undefined;
  #onGone: () => void = () => {};

  constructor(pid: number, events: EngineProcessEvents) {
    this.pid = pid;
    this.events = events;
  }

  get memoryBytes(): number {
    return this.state === 'gone' ? 0 : this.pid;
  }

  get isUp(): boolean {
    return this.state === 'up';
  }

  get isBusy(): boolean {
    return this.#job !== undefined;
  }

  isIdle(): boolean {
    return this.isUp && !this.isBusy;
  }

  score(): Promise<Score> {
    return new Promise((resolve, reject) => {
      this.#job = { resolve, reject };
    });
  }

  stop(): Promise<void> {
    this.isStopping = true;
    if (this.state === 'gone') return Promise.resolve();
    return new Promise((resolve) => {
      this.#onGone = resolve;
    });
  }

  comeUp(): void {
    this.state = 'up';
    this.events.ready(250);
    this.events.idle();
  }

  finish(): void {
    this.#job?.resolve(fakeScore('text'));
    this.#job = undefined;
    this.events.idle();
  }

  end(refusal?: AppError): void {
    this.state = 'gone';
    this.#job?.reject(new EngineDeath('fake'));
    this.#job = undefined;
    this.events.exit('fake', refusal);
    this.#onGone();
  }
}
