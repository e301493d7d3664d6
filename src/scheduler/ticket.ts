import { type Begun, isAlone, type Score, type ScoreOptions } from '../engine/score.ts';
import type { AppError } from '../errors.ts';

export interface ScoredText extends Score {
  /** From its admission to its answer, less tokenizing and computing. */
  readonly queueMs: number;
  /** The inference process that scored it. */
  readonly enginePid?: number | undefined;
}

/** One text of a request, until an engine has scored it. */
export interface WaitingText {
  readonly ticket: Ticket;
  /** Its place among the request's texts. */
  readonly index: number;
  readonly content: string;
  /** By the scheduler's clock. */
  readonly admitted: number;
  readonly options: ScoreOptions;
  /** What it costs, estimated: see `costOf`. */
  readonly tokens: number;
  /** It is not computed together with others. */
  alone: boolean;
  /** It gave way to others, and goes on from there. */
  begun?: Begun;
  /** Engines that it was handed to since it last came on. */
  attempts: number;
}

/** One admitted request: settled once, by its last score or by its first failure. */
export class Ticket {
  readonly texts: readonly WaitingText[];
  /** Who asks; callers take turns. */
  readonly caller: string;
  readonly answer: Promise<ScoredText[]>;
  readonly #scores: ScoredText[] = [];
  #resolve: (scores: ScoredText[]) => void = () => {};
  #reject: (error: AppError) => void = () => {};
  #left: number;
  #isSettled = false;
  #onSettled: () => void = () => {};

  /** @param costs of the texts, in their order; `admitted`: when, by the scheduler's clock */
  constructor(
    contents: readonly string[],
    costs: readonly number[],
    caller: string,
    admitted: number,
    options: ScoreOptions = {},
  ) {
    this.caller = caller;
    this.texts = contents.map((content, index) => ({
      ticket: this,
      index,
      content,
      admitted,
      options,
      tokens: costs[index] ?? 0,
      alone: isAlone(options),
      attempts: 0,
    }));
    this.#left = contents.length;
    this.answer = new Promise((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
    });
  }

  get isSettled(): boolean {
    return this.#isSettled;
  }

  onSettled(listener: () => void): void {
    this.#onSettled = listener;
  }

  put(index: number, score: ScoredText): void {
    if (this.#isSettled) return;
    this.#scores[index] = score;
    this.#left -= 1;
    if (this.#left > 0) return;
    this.#settle();
    this.#resolve(this.#scores);
  }

  fail(error: AppError): void {
    if (this.#isSettled) return;
    this.#settle();
    this.#reject(error);
  }

  #settle(): void {
    this.#isSettled = true;
    this.#onSettled();
  }
}
