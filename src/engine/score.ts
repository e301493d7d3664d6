import { AppError } from '../errors.ts';
import type { Word } from '../text/index.ts';

/** What one text came to. */
export interface Score {
  /** Of every axis's labels[0], in the axes' order; the mean over the text's windows. */
  readonly probabilities: readonly number[];
  /** Ids fed to the model, special tokens included, over all windows. */
  readonly tokens: number;
  readonly windows: number;
  /** Of the tokens, those that stand for what the vocabulary lacks. */
  readonly unknownTokens: number;
  /** Whether the text had more windows than are scored. */
  readonly truncated: boolean;
  readonly tokenizeMs: number;
  readonly computeMs: number;
  /** What was computed together; told with one text of those that were, the others have none. */
  readonly batches: readonly { readonly texts: number; readonly tokens: number }[];
  /** Where it was asked for. */
  readonly explanation?: Explanation;
  /** Where the text gave way to others: all above is of the windows that were computed this time. */
  readonly begun?: Begun;
}

/** How far a text has come that gave way to others. It is scored on with it, by the same or another engine. */
export interface Begun {
  /** The ids of those that are left. Once there are none, one more call makes a score of the results. */
  readonly windows: readonly (readonly number[])[];
  readonly results: readonly WindowResult[];
  readonly truncated: boolean;
  readonly tokenizeMs: number;
  readonly computeMs: number;
}

export interface WindowResult {
  readonly logits: readonly number[];
  readonly tokens: number;
  readonly unknownTokens: number;
  readonly explained?: ExplainedWindow;
}

/** What the logits of a window come from. */
export interface ExplainedWindow {
  readonly logits: readonly number[];
  /** None with a method that has no baseline. */
  readonly baselineLogits: readonly number[];
  /** Of each token, [CLS] and [SEP] included, for each axis. */
  readonly tokens: readonly (readonly number[])[];
}

export type ExplainMethod = 'integrated_gradients' | 'gradient_x_input';

/** Which words of a text its logits come from. All numbers are logits, for each axis in order. */
export interface Explanation {
  readonly method: ExplainMethod;
  /** The mean over the text's windows, as everything here. */
  readonly logits: readonly number[];
  /** Without the words: with integrated gradients, what all attributions add up from to `logits`. */
  readonly baselineLogits?: readonly number[];
  /** What [CLS] and [SEP] add. */
  readonly specialTokens: readonly number[];
  readonly words: readonly ExplainedWord[];
}

export interface ExplainedWord extends Word {
  /** Above 0: it speaks for the axis's labels[0]. */
  readonly attributions: readonly number[];
}

/** What is wanted of a text beside its score. */
export interface ScoreOptions {
  /** With no other text beside it. */
  readonly alone?: boolean;
  /** Begin nothing after it, milliseconds of `Date.now()`: nobody waits any more. */
  readonly until?: number;
  /** Explain it, with the same limit. */
  readonly explain?: { readonly until: number };
  /** After so many milliseconds the engine gives it back between windows, for others to come in between. */
  readonly givesWayAfterMs?: number;
  /** It has given way before. */
  readonly begun?: Begun;
}

/** Whether a text is computed with no other beside it: explanations always are. */
export const isAlone = ({ alone, explain }: ScoreOptions): boolean =>
  alone === true || explain !== undefined;

/** AppError `engine_failed` of a text whose process ended while it was at it. */
export class EngineDeath extends AppError {
  /** It had other texts too: which of them it died of is not known. */
  readonly amongOthers: boolean;
  /** It was ended because it was stuck, long after the text's deadline. */
  readonly stuck: boolean;

  constructor(reason: string, amongOthers = false, stuck = false) {
    super('engine_failed', `the inference process ended (${reason})`, { retryAfter: 1 });
    this.amongOthers = amongOthers;
    this.stuck = stuck;
  }
}

/** Scores one text at a time, or on a device that gains by it several together. */
export interface Engine {
  /** Where it is a process of its own. */
  readonly pid?: number | undefined;
  /** `text` is cleaned. AppError `engine_failed` where the engine could not do it, EngineDeath where it died. */
  score(text: string, options?: ScoreOptions): Promise<Score>;
}

/** A set of engines that comes and goes as processes die and start. */
export interface Engines {
  /** Engines there would be if all were up. */
  readonly size: number;
  /** Engines that can score. */
  readonly up: number;
  /**
   * One that takes a text: it has none, or, where several are computed together, has room for another. `alone`: one
   * that has none, and takes no other until this text is done.
   */
  idle(alone?: boolean): Engine | undefined;
  /** `listener` is called whenever an engine has become idle. */
  onIdle(listener: () => void): void;
}
