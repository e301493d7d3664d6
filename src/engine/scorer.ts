import { AppError, messageOf } from '../errors.ts';
import { onOneLine } from '../files/index.ts';
import { meanProbabilities } from '../task/index.ts';
import {
  idsOfWindows,
  longestWindow,
  TextTokenizer,
  tokenizedWords,
  tokenWindows,
  windowCount,
} from '../text/index.ts';
import { batchesOf } from './batches.ts';
import { explainWindow, explanationOf } from './explain.ts';
import { ExplainSession } from './explain-session.ts';
import type { EngineSpec } from './protocol.ts';
import type { Begun, Explanation, Score, ScoreOptions, WindowResult } from './score.ts';
import { LogitsSession } from './session.ts';
import { refuseChanged } from './verified-files.ts';

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
   * once the text is tokenized, and between windows. AppError `deadline_exceeded` where a window is not begun any more.
   */
  async score(
    text: string,
    options: ScoreOptions = {},
    progress: () => void = () => {},
  ): Promise<Score> {
    const { begun, givesWayAfterMs = Number.POSITIVE_INFINITY } = options;
    const state = begun ?? this.#tokenize(text);
    const started = performance.now();
    const results: WindowResult[] = [...state.results];
    let left = state.windows;
    for (const [i, window] of state.windows.entries()) {
      // An explanation is slow from its first window on; of others, most texts have no second one.
      if (i > 0 || options.explain) progress();
      refuseLate(options);
      results.push(await this.#result(window, options));
      left = state.windows.slice(i + 1);
      if (performance.now() - started >= givesWayAfterMs) break;
    }
    const computeMs = state.computeMs + performance.now() - started;
    const now: Begun = { ...state, windows: left, results, computeMs };
    const score = this.#scoreOf(now);
    // Results of earlier times are not here.
    if (left.length > 0 || (begun?.windows.length ?? 0) > 0) return { ...score, begun: now };
    if (!options.explain) return score;
    progress();
    return { ...score, explanation: await this.#explanation(text, results) };
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
    const results = texts.map((): WindowResult[] => []);
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
        if (values) results[all[i]?.text ?? 0]?.push(this.#resultOf(windows[i] ?? [], values));
      }
    }
    const computeMs = performance.now() - begun;
    return tokenized.map((text, i) => ({
      ...this.#scoreOf({ ...text, results: results[i] ?? [], computeMs }),
      batches: i === 0 ? batches : [],
    }));
  }

  #tokenize(text: string): Begun {
    const begun = performance.now();
    const { maxLength, maxWindows } = this.#spec;
    const ids = this.#tokenizer.encode(text, idsOfWindows(maxLength, maxWindows));
    const windows = tokenWindows(ids, maxLength, this.#tokenizer, maxWindows);
    return {
      windows,
      results: [],
      truncated: windows.length < windowCount(ids.length, maxLength),
      tokenizeMs: performance.now() - begun,
      computeMs: 0,
    };
  }

  #scoreOf({ results, truncated, tokenizeMs, computeMs }: Begun): Score {
    const tokens = results.reduce((sum, window) => sum + window.tokens, 0);
    return {
      probabilities: meanProbabilities(
        this.#spec.task,
        results.map(({ logits }) => logits),
      ),
      tokens,
      windows: results.length,
      unknownTokens: results.reduce((sum, window) => sum + window.unknownTokens, 0),
      truncated,
      tokenizeMs,
      computeMs,
      batches: [{ texts: 1, tokens }],
    };
  }

  async #result(window: readonly number[], { explain }: ScoreOptions): Promise<WindowResult> {
    const result = this.#resultOf(window, await this.#session.run(window));
    if (!explain) return result;
    return { ...result, explained: await explainWindow(await this.#loadedExplainer(), window) };
  }

  #resultOf(window: readonly number[], logits: Float32Array): WindowResult {
    const { unkId } = this.#tokenizer;
    return {
      logits: Array.from(logits),
      tokens: window.length,
      unknownTokens: window.filter((id) => id === unkId).length,
    };
  }

  async #explanation(text: string, results: readonly WindowResult[]): Promise<Explanation> {
    const { maxLength, maxWindows } = this.#spec;
    const words = tokenizedWords(text, this.#tokenizer, idsOfWindows(maxLength, maxWindows));
    const { method } = await this.#loadedExplainer();
    const windows = results.flatMap(({ explained }) => (explained ? [explained] : []));
    return explanationOf(method, words, windows);
  }

  #loadedExplainer(): Promise<ExplainSession> {
    this.#explainer ??= this.#loadExplainer().catch((error: unknown) => {
      // Memory may be there the next time.
      this.#explainer = undefined;
      throw error;
    });
    return this.#explainer;
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

function refuseLate({ until = Number.POSITIVE_INFINITY, explain }: ScoreOptions): void {
  if (Date.now() <= Math.min(until, explain?.until ?? until)) return;
  throw new AppError('deadline_exceeded', 'nobody waits for the text any more');
}
