import {
  type Engine,
  EngineDeath,
  type Engines,
  type Explanation,
  type Score,
  type ScoreOptions,
} from '../../src/engine/index.ts';
import { AppError } from '../../src/errors.ts';

interface Job {
  readonly text: string;
  finish(change?: Partial<Score>): void;
  /**
   * Ends its engine. `amongOthers`: it was not computed alone. `stuck`: it was ended because it was still at the text
   * long after its deadline.
   */
  die(how?: { readonly amongOthers?: boolean; readonly stuck?: boolean }): void;
  /** Lives on, but cannot score this text. */
  fail(): void;
}

/** Engines that score when the test says so, or at once with `auto`. */
export class FakeEngines implements Engines {
  readonly size: number;
  up: number;
  /** What the engines are at, in the order in which they began. */
  readonly running: Job[] = [];
  /** Every text that was begun. */
  readonly begun: string[] = [];
  /** What was asked for with each of them. */
  readonly options: ScoreOptions[] = [];
  /** Scores at once; a test can change it in the middle. */
  auto = false;
  readonly #axes: number;
  readonly #listeners: (() => void)[] = [];

  constructor(size: number, axes = 4) {
    this.size = size;
    this.up = size;
    this.#axes = axes;
  }

  idle(): Engine | undefined {
    if (this.running.length >= this.up) return undefined;
    return { score: (text, options = {}) => this.#score(text, options) };
  }

  onIdle(listener: () => void): void {
    this.#listeners.push(listener);
  }

  /** Engines that have come up. */
  announceIdle(): void {
    for (const listener of this.#listeners) listener();
  }

  #score(text: string, options: ScoreOptions): Promise<Score> {
    this.begun.push(text);
    this.options.push(options);
    return new Promise((resolve, reject) => {
      const leave = () => {
        this.running.splice(this.running.indexOf(job), 1);
        this.announceIdle();
      };
      const job: Job = {
        text,
        finish: (change = {}) => {
          const explanation = options.explain && fakeExplanation(text, this.#axes);
          resolve({
            ...fakeScore(text, this.#axes),
            ...(explanation ? { explanation } : {}),
            ...change,
          });
          leave();
        },
        fail: () => {
          reject(new AppError('engine_failed', 'the fake engine cannot'));
          leave();
        },
        die: ({ amongOthers = false, stuck = false } = {}) => {
          reject(new EngineDeath('the fake engine died', amongOthers, stuck));
          leave();
        },
      };
      this.running.push(job);
      if (this.auto) setImmediate(() => job.finish());
    });
  }
}

/** The text as one word. */
export function fakeExplanation(text: string, axes = 4): Explanation {
  const each = Array.from({ length: axes }, (_, axis) => axis + 1);
  const none = each.map(() => 0);
  return {
    method: 'integrated_gradients',
    logits: each,
    baselineLogits: none,
    specialTokens: none,
    words: [
      {
        text,
        start: 0,
        end: Array.from(text).length,
        pieces: [text],
        attributions: each.map((axis) => axis * text.length),
      },
    ],
  };
}

/** A score that tells by its probabilities which text it is of. */
export function fakeScore(text: string, axes = 4): Score {
  return {
    probabilities: Array.from({ length: axes }, (_, axis) => ((text.length + axis * 7) % 97) / 97),
    tokens: text.length,
    windows: 1,
    unknownTokens: 0,
    truncated: false,
    tokenizeMs: 1,
    computeMs: 2,
    batches: [{ texts: 1, tokens: text.length }],
  };
}
