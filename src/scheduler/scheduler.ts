import { type Clock, systemClock } from '../clock.ts';
import {
  type Begun,
  type Engine,
  EngineDeath,
  type Engines,
  type ScoreOptions,
} from '../engine/score.ts';
import { AppError } from '../errors.ts';
import { costOf, type WindowLimits } from './cost.ts';
import { DrainRate } from './drain-rate.ts';
import { FairQueue } from './fair-queue.ts';
import { Quarantine } from './quarantine.ts';
import { type ScoredText, Ticket, type WaitingText } from './ticket.ts';

/** Why texts were not scored; `full` was never admitted. */
export type Rejection = 'full' | 'deadline' | 'cancelled';
export const rejections: readonly Rejection[] = ['full', 'deadline', 'cancelled'];

export interface SchedulerObserver {
  /** A text was scored, whether or not somebody still waits for it. */
  readonly scored?: (text: ScoredText) => void;
  /** A request was turned away or given up. */
  readonly rejected?: (reason: Rejection) => void;
}

export interface SchedulerOptions {
  readonly engines: Engines;
  /** Texts that may wait. */
  readonly maxDepth: number;
  /** Tokens that may wait, estimated; a request that would wait alone is let in with any number. No limit by default. */
  readonly maxTokens?: number;
  /** What is computed of a text at most, for estimates. No limit by default. */
  readonly windows?: WindowLimits;
  readonly observer?: SchedulerObserver;
  readonly clock?: Clock;
}

export interface SubmitOptions {
  readonly timeoutMs: number;
  /** Whose request it is, for turns; by default all are of one caller. */
  readonly caller?: string;
  /** Aborted when the client leaves. */
  readonly signal?: AbortSignal;
  /** The texts are explained too. */
  readonly explain?: boolean;
}

/** A text that has several windows holds another one up by this, and by one window. */
const GIVES_WAY_AFTER_MS = 4;

/** Engines that a text is tried on before it is given up. */
const MOST_ATTEMPTS = 2;

/**
 * Hands texts to engines, callers taking turns. The queue is bounded, in texts and in tokens; a
 * request's texts are admitted or refused together; what nobody waits for any more is not begun; a
 * text that ended two engines is refused for a while.
 */
export class Scheduler {
  readonly #options: SchedulerOptions;
  readonly #queue = new FairQueue();
  readonly #clock: Clock;
  readonly #quarantine: Quarantine;
  readonly #open = new Set<Ticket>();
  readonly #drainRate: DrainRate;
  #closed = false;
  #onDrained: (() => void)[] = [];

  constructor(options: SchedulerOptions) {
    this.#options = options;
    this.#clock = options.clock ?? systemClock;
    this.#quarantine = new Quarantine(this.#clock);
    this.#drainRate = new DrainRate(options.engines.size);
    options.engines.onIdle(() => this.#pump());
  }

  /** Texts that wait. */
  get depth(): number {
    return this.#queue.depth;
  }

  /**
   * The scores of the texts, in order. AppError `queue_full` (with `retryAfter`), `not_ready` after
   * `close`, `deadline_exceeded`, `client_closed`, or `engine_failed` where two engines failed, now or
   * with the same text before.
   */
  submit(
    texts: readonly string[],
    { timeoutMs, signal, caller = '', explain = false }: SubmitOptions,
  ): Promise<ScoredText[]> {
    if (texts.length === 0) return Promise.resolve([]);
    const costs = texts.map((text) => costOf(text, explain, this.#options.windows));
    const refusal = this.#refusal(texts, costs, signal);
    if (refusal) return Promise.reject(refusal);
    const until = Date.now() + timeoutMs;
    const options = {
      until,
      givesWayAfterMs: GIVES_WAY_AFTER_MS,
      ...(explain ? { explain: { until } } : {}),
    };
    const ticket = new Ticket(texts, costs, caller, this.#clock.now(), options);
    this.#open.add(ticket);
    this.#queue.add(ticket);
    // Connections keep the server alive; a deadline alone keeps nothing.
    const cancelDeadline = this.#clock.after(timeoutMs, () => {
      this.#giveUp(ticket, 'deadline', new AppError('deadline_exceeded', late(timeoutMs)));
    });
    const onAbort = () => this.#giveUp(ticket, 'cancelled', left());
    signal?.addEventListener('abort', onAbort, { once: true });
    ticket.onSettled(() => {
      cancelDeadline();
      signal?.removeEventListener('abort', onAbort);
      this.#forget(ticket);
    });
    this.#pump();
    return ticket.answer;
  }

  /** Takes no more work; what was admitted is finished. */
  close(): void {
    this.#closed = true;
  }

  /** Resolves when nothing that was admitted is left. */
  drained(): Promise<void> {
    if (this.#open.size === 0) return Promise.resolve();
    return new Promise((resolve) => this.#onDrained.push(resolve));
  }

  #refusal(
    texts: readonly string[],
    costs: readonly number[],
    signal: AbortSignal | undefined,
  ): AppError | undefined {
    if (this.#closed) {
      return new AppError('not_ready', 'the server is stopping and takes no more work', {
        retryAfter: 1,
      });
    }
    if (signal?.aborted) {
      this.#options.observer?.rejected?.('cancelled');
      return left();
    }
    const full = this.#overflow(costs);
    if (full) this.#options.observer?.rejected?.('full');
    return full ?? this.#poison(texts);
  }

  #overflow(costs: readonly number[]): AppError | undefined {
    const { maxDepth, maxTokens = Number.POSITIVE_INFINITY } = this.#options;
    const { depth, tokens: waiting } = this.#queue;
    const tokens = costs.reduce((sum, cost) => sum + cost, 0);
    const tooMany = depth + costs.length - maxDepth;
    const tooLong = depth === 0 ? 0 : waiting + tokens - maxTokens;
    if (tooMany <= 0 && tooLong <= 0) return undefined;
    const excess = (tooMany * (waiting + tokens)) / (depth + costs.length);
    return new AppError(
      'queue_full',
      tooMany > 0
        ? `${depth} texts are waiting: ${costs.length} more would be over the limit of ${maxDepth}`
        : `about ${waiting} tokens are waiting: ${tokens} more would be over the limit of ${maxTokens}`,
      { retryAfter: this.#drainRate.secondsFor(Math.max(excess, tooLong)) },
    );
  }

  #poison(texts: readonly string[]): AppError | undefined {
    const seconds = texts.map((text) => this.#quarantine.secondsLeft(text) ?? 0);
    const retryAfter = Math.max(...seconds);
    if (retryAfter === 0) return undefined;
    return new AppError('engine_failed', poisonous, { retryAfter });
  }

  #pump(): void {
    for (let next = this.#queue.next(); next !== undefined; next = this.#queue.next()) {
      const engine = this.#options.engines.idle(next.alone);
      const text = engine && this.#queue.take();
      if (!text) return;
      void this.#run(engine, text);
    }
  }

  async #run(engine: Engine, text: WaitingText): Promise<void> {
    text.attempts += 1;
    try {
      const score = await engine.score(text.content, optionsOf(text));
      if (score.begun) {
        this.#gaveWay(text, score.begun);
        return;
      }
      const { tokenizeMs, computeMs } = score;
      this.#quarantine.survived(text.content);
      this.#drainRate.observe(tokenizeMs + computeMs, text.tokens);
      const total = this.#clock.now() - text.admitted;
      const queueMs = Math.max(total - tokenizeMs - computeMs, 0);
      const scored = { ...score, queueMs, enginePid: engine.pid };
      this.#options.observer?.scored?.(scored);
      text.ticket.put(text.index, scored);
    } catch (error) {
      this.#failed(text, error);
    }
    this.#pump();
  }

  /** A long text takes turns with others between its windows; one that nobody waits for is not gone on with. */
  #gaveWay(text: WaitingText, begun: Begun): void {
    text.begun = begun;
    text.attempts = 0;
    if (!text.ticket.isSettled) this.#queue.addAgain(text);
    this.#pump();
  }

  #failed(text: WaitingText, error: unknown): void {
    // Also where nobody waits any more: it must not come again.
    if (error instanceof EngineDeath && !error.amongOthers) {
      this.#quarantine.died(text.content, error.stuck ? MOST_ATTEMPTS : 1);
    }
    if (text.ticket.isSettled) return;
    // Which of several it was shows when each is tried alone, which is its first try.
    if (error instanceof EngineDeath && error.amongOthers && !text.alone) {
      text.alone = true;
      text.attempts -= 1;
    }
    if (text.attempts < MOST_ATTEMPTS) {
      this.#queue.addFirst(text);
      return;
    }
    text.ticket.fail(
      error instanceof AppError ? error : new AppError('engine_failed', String(error)),
    );
  }

  #giveUp(ticket: Ticket, reason: Rejection, error: AppError): void {
    if (ticket.isSettled) return;
    this.#options.observer?.rejected?.(reason);
    ticket.fail(error);
  }

  #forget(ticket: Ticket): void {
    this.#queue.drop(ticket);
    this.#open.delete(ticket);
    if (this.#open.size > 0) return;
    for (const resolve of this.#onDrained) resolve();
    this.#onDrained = [];
  }
}

const poisonous = 'this text has ended inference processes: it is refused for a while';

function optionsOf({ options, alone, begun }: WaitingText): ScoreOptions {
  return { ...options, ...(alone ? { alone } : {}), ...(begun ? { begun } : {}) };
}

function late(timeoutMs: number): string {
  return `the answer was not there after ${timeoutMs} ms`;
}

function left(): AppError {
  return new AppError('client_closed', 'the client left before the answer was there');
}
