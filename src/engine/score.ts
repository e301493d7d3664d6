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
  /** Explain it, but begin nothing after `until`, milliseconds of `Date.now()`. */
  readonly explain?: { readonly until: number };
}

/** Whether a text is computed with no other beside it: explanations always are. */
export const isAlone = ({ alone, explain }: ScoreOptions): boolean =>
  alone === true || explain !== undefined;

/** AppError `engine_failed` of a text whose process ended while it was at it. */
export class EngineDeath extends AppError {
  /** It had other texts too: which of them it died of is not known. */
  readonly amongOthers: boolean;

  constructor(reason: string, amongOthers = false) {
    super('engine_failed', `the inference process ended (${reason})`, { retryAfter: 1 });
    this.amongOthers = amongOthers;
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
