import { AppError, messageOf } from '../errors.ts';
import { onOneLine } from '../files/index.ts';
import { meanProbabilities } from '../task/index.ts';
import {
  longestWindow,
  TextTokenizer,
  tokenizedWords,
  tokenWindows,
  windowCount,
} from '../text/index.ts';
import { batchesOf } from './batches.ts';
import { explain } from './explain.ts';
import { ExplainSession } from './explain-session.ts';
import type { EngineSpec } from './protocol.ts';
import type { Explanation, Score, ScoreOptions } from './score.ts';
import { LogitsSession } from './session.ts';
import { refuseChanged } from './verified-files.ts';

interface TokenizedText {
  readonly windows: readonly (readonly number[])[];
  /** It has more windows than these. */
  readonly truncated: boolean;
  readonly tokenizeMs: number;
}

/** A loaded model: text in, probabilities out. */
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
    const tokenized = this.#tokenize(text);
    const { windows } = tokenized;
    const begun = performance.now();
    const logits: Float32Array[] = [];
    for (const [i, window] of windows.entries()) {
      if (i > 0) progress();
      logits.push(await this.#session.run(window));
    }
    const explanation =
      options.explain && (await this.#explain(text, windows, options.explain.until, progress));
    const score = this.#scoreOf(tokenized, logits, performance.now() - begun);
    const batches = [{ texts: 1, tokens: score.tokens }];
    return { ...score, batches, ...(explanation ? { explanation } : {}) };
  }

  /** Texts that come at the same time are computed together. */
  get scoresTogether(): boolean {
    return this.#spec.batchTokens > 0;
  }

  /**
   * Scores texts in batches of windows of like length. All of them took as long to compute as each of them did:
   * `computeMs` is that of all. `progress` is called between batches.
   */
  async scoreTogether(texts: readonly string[], progress: () => void): Promise<Score[]> {
    const tokenized = texts.map((text) => this.#tokenize(text));
    const begun = performance.now();
    const all = tokenized.flatMap(({ windows }, text) => windows.map((ids) => ({ ids, text })));
    const windows = all.map(({ ids }) => ids);
    const logits = texts.map((): Float32Array[] => []);
    const batches: { texts: number; tokens: number }[] = [];
    for (const batch of batchesOf(windows, this.#spec.batchTokens)) {
      progress();
      batches.push({
        texts: new Set(batch.map((i) => all[i]?.text)).size,
        tokens: batch.reduce((sum, i) => sum + (windows[i]?.length ?? 0), 0),
      });
      const together = await this.#session.runTogether(batch.map((i) => windows[i] ?? []));
      for (const [row, i] of batch.entries()) {
        const values = together[row];
        if (values) logits[all[i]?.text ?? 0]?.push(values);
      }
    }
    const computeMs = performance.now() - begun;
    return tokenized.map((text, i) => ({
      ...this.#scoreOf(text, logits[i] ?? [], computeMs),
      batches: i === 0 ? batches : [],
    }));
  }

  #tokenize(text: string): TokenizedText {
    const begun = performance.now();
    const { maxLength, maxWindows } = this.#spec;
    const ids = this.#tokenizer.encode(text);
    const windows = tokenWindows(ids, maxLength, this.#tokenizer, maxWindows);
    return {
      windows,
      truncated: windows.length < windowCount(ids.length, maxLength),
      tokenizeMs: performance.now() - begun,
    };
  }

  #scoreOf(
    { windows, truncated, tokenizeMs }: TokenizedText,
    logits: readonly Float32Array[],
    computeMs: number,
  ): Omit<Score, 'batches'> {
    return {
      probabilities: meanProbabilities(this.#spec.task, logits),
      tokens: windows.reduce((sum, window) => sum + window.length, 0),
      windows: windows.length,
      unknownTokens: unknownTokens(windows, this.#tokenizer),
      truncated,
      tokenizeMs,
      computeMs,
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
    const window = longestWindow(this.#spec.maxLength, this.#tokenizer);
    try {
      await this.#session.run(window);
    } catch (cause) {
      if (cause instanceof AppError) throw cause;
      const reason = onOneLine(messageOf(cause));
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
