import type { Engine, Engines } from '../engine/score.ts';
import { AppError } from '../errors.ts';
import { DrainRate } from './drain-rate.ts';
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
  readonly observer?: SchedulerObserver;
}

export interface SubmitOptions {
  readonly timeoutMs: number;
  /** Aborted when the client leaves. */
  readonly signal?: AbortSignal;
  /** The texts are explained too. */
  readonly explain?: boolean;
}

/** Engines that a text is tried on before it is given up. */
const MOST_ATTEMPTS = 2;

/**
 * Hands texts to engines, first come first served. The queue is bounded and counted in texts; a
 * request's texts are admitted or refused together; what nobody waits for any more is not begun.
 */
export class Scheduler {
  readonly #options: SchedulerOptions;
  /** In the order of admission: a Set forgets any element at once and keeps that order. */
  readonly #waiting = new Set<WaitingText>();
  /** Texts whose engine died; they go first. */
  readonly #retries = new Set<WaitingText>();
  readonly #open = new Set<Ticket>();
  readonly #drainRate: DrainRate;
  #closed = false;
  #onDrained: (() => void)[] = [];

  constructor(options: SchedulerOptions) {
    this.#options = options;
    this.#drainRate = new DrainRate(options.engines.size);
    options.engines.onIdle(() => this.#pump());
  }

  /** Texts that wait. */
  get depth(): number {
    return this.#waiting.size + this.#retries.size;
  }

  /**
   * The scores of the texts, in order. AppError `queue_full` (with `retryAfter`), `not_ready` after
   * `close`, `deadline_exceeded`, `client_closed`, or `engine_failed` where two engines failed.
   */
  submit(
    texts: readonly string[],
    { timeoutMs, signal, explain = false }: SubmitOptions,
  ): Promise<ScoredText[]> {
    if (texts.length === 0) return Promise.resolve([]);
    const refusal = this.#refusal(texts.length, signal);
    if (refusal) return Promise.reject(refusal);
    const ticket = new Ticket(texts, explain ? { explain: { until: Date.now() + timeoutMs } } : {});
    this.#open.add(ticket);
    for (const text of ticket.texts) this.#waiting.add(text);
    const timer = setTimeout(() => {
      this.#giveUp(ticket, 'deadline', new AppError('deadline_exceeded', late(timeoutMs)));
    }, timeoutMs);
    const onAbort = () => this.#giveUp(ticket, 'cancelled', left());
    signal?.addEventListener('abort', onAbort, { once: true });
    ticket.onSettled(() => {
      clearTimeout(timer);
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

  #refusal(count: number, signal: AbortSignal | undefined): AppError | undefined {
    if (this.#closed) {
      return new AppError('not_ready', 'the server is stopping and takes no more work', {
        retryAfter: 1,
      });
    }
    if (signal?.aborted) {
      this.#options.observer?.rejected?.('cancelled');
      return left();
    }
    const { maxDepth } = this.#options;
    if (this.depth + count <= maxDepth) return undefined;
    this.#options.observer?.rejected?.('full');
    return new AppError(
      'queue_full',
      `${this.depth} texts are waiting: ${count} more would be over the limit of ${maxDepth}`,
      { retryAfter: this.#drainRate.secondsFor(this.depth + count - maxDepth) },
    );
  }

  #pump(): void {
    while (this.depth > 0) {
      const engine = this.#options.engines.idle();
      if (!engine) return;
      const [text] = this.#retries.size > 0 ? this.#retries : this.#waiting;
      if (!text) return;
      this.#retries.delete(text);
      this.#waiting.delete(text);
      void this.#run(engine, text);
    }
  }

  async #run(engine: Engine, text: WaitingText): Promise<void> {
    text.attempts += 1;
    try {
      const score = await engine.score(text.content, text.options);
      const { tokenizeMs, computeMs } = score;
      this.#drainRate.observe(tokenizeMs + computeMs);
      const total = performance.now() - text.admitted;
      const scored = { ...score, queueMs: Math.max(total - tokenizeMs - computeMs, 0) };
      this.#options.observer?.scored?.(scored);
      text.ticket.put(text.index, scored);
    } catch (error) {
      this.#failed(text, error);
    }
    this.#pump();
  }

  #failed(text: WaitingText, error: unknown): void {
    if (text.ticket.isSettled) return;
    if (text.attempts < MOST_ATTEMPTS) {
      this.#retries.add(text);
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
    for (const text of ticket.texts) {
      this.#waiting.delete(text);
      this.#retries.delete(text);
    }
    this.#open.delete(ticket);
    if (this.#open.size > 0) return;
    for (const resolve of this.#onDrained) resolve();
    this.#onDrained = [];
  }
}

function late(timeoutMs: number): string {
  return `the answer was not there after ${timeoutMs} ms`;
}

function left(): AppError {
  return new AppError('client_closed', 'the client left before the answer was there');
}
