import { AppError } from '../errors.ts';
import { probabilities } from '../task/index.ts';
import {
  SPECIAL_TOKENS_PER_WINDOW,
  TextTokenizer,
  tokenizedWords,
  tokenWindows,
} from '../text/index.ts';
import { explain } from './explain.ts';
import { ExplainSession } from './explain-session.ts';
import type { EngineSpec } from './protocol.ts';
import type { Explanation, Score, ScoreOptions } from './score.ts';
import { LogitsSession } from './session.ts';
import { refuseChanged } from './verified-files.ts';

/** A loaded model: text in, probabilities out, one text at a time. */
export class Scorer {
  readonly #spec: EngineSpec;
  readonly #tokenizer: TextTokenizer;
  readonly #session: LogitsSession;
  /** Loaded by the first text that is to be explained. */
  #explainer: Promise<ExplainSession> | undefined;

  private constructor(spec: EngineSpec, tokenizer: TextTokenizer, session: LogitsSession) {
    this.#spec = spec;
    this.#tokenizer = tokenizer;
    this.#session = session;
  }

  /**
   * Loads the model and lets it answer a warm-up: the longest window it may get, with the largest
   * id of the vocabulary. AppError `bundle_invalid` or `device_unavailable`.
   */
  static async load(spec: EngineSpec): Promise<Scorer> {
    const tokenizer = TextTokenizer.load(spec.tokenizerDir);
    const session = await LogitsSession.load(spec);
    const scorer = new Scorer(spec, tokenizer, session);
    await scorer.#warmUp();
    return scorer;
  }

  /**
   * Scores every window alone and takes the mean of the probabilities; explains them if asked to. `progress` is called
   * between windows.
   */
  async score(
    text: string,
    options: ScoreOptions = {},
    progress: () => void = () => {},
  ): Promise<Score> {
    const begun = performance.now();
    const { task, maxLength, maxWindows } = this.#spec;
    const all = tokenWindows(this.#tokenizer.encode(text), maxLength, this.#tokenizer);
    const windows = all.slice(0, maxWindows);
    const tokenized = performance.now();
    const sums = task.axes.map(() => 0);
    for (const [i, window] of windows.entries()) {
      if (i > 0) progress();
      const scored = probabilities(task, await this.#session.run(window));
      scored.forEach((p, axis) => {
        sums[axis] = (sums[axis] ?? 0) + p;
      });
    }
    const explanation =
      options.explain && (await this.#explain(text, windows, options.explain.until, progress));
    return {
      probabilities: sums.map((sum) => sum / windows.length),
      tokens: windows.reduce((sum, window) => sum + window.length, 0),
      windows: windows.length,
      unknownTokens: unknownTokens(windows, this.#tokenizer),
      truncated: windows.length < all.length,
      tokenizeMs: tokenized - begun,
      computeMs: performance.now() - tokenized,
      ...(explanation ? { explanation } : {}),
    };
  }

  async #explain(
    text: string,
    windows: readonly (readonly number[])[],
    until: number,
    progress: () => void,
  ): Promise<Explanation> {
    this.#explainer ??= this.#loadExplainer().catch((error: unknown) => {
      // Memory may be there the next time.
      this.#explainer = undefined;
      throw error;
    });
    const words = tokenizedWords(text, this.#tokenizer);
    return explain(await this.#explainer, words, windows, { until, progress });
  }

  async #loadExplainer(): Promise<ExplainSession> {
    const session = await ExplainSession.load(this.#spec);
    await refuseChanged(this.#spec.files);
    return session;
  }

  async #warmUp(): Promise<void> {
    const { vocabularySize } = this.#tokenizer;
    const length = this.#spec.maxLength - SPECIAL_TOKENS_PER_WINDOW;
    const ids = Array.from({ length }, (_, i) => Math.max(vocabularySize - 1 - i, 0));
    const [window = []] = tokenWindows(ids, this.#spec.maxLength, this.#tokenizer);
    try {
      await this.#session.run(window);
    } catch (cause) {
      if (cause instanceof AppError) throw cause;
      const reason = cause instanceof Error ? cause.message.trim() : String(cause);
      throw new AppError(
        'bundle_invalid',
        `${this.#spec.modelFile} cannot score ${window.length} tokens of a vocabulary of ${vocabularySize}: ${reason}`,
        { hint: 'the tokenizer and max_length of the manifest must be those of the model', cause },
      );
    }
  }
}

function unknownTokens(
  windows: readonly (readonly number[])[],
  { unkId }: Pick<TextTokenizer, 'unkId'>,
): number {
  return windows.reduce((sum, ids) => sum + ids.filter((id) => id === unkId).length, 0);
}
