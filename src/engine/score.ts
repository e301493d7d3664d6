/** What one text came to. */
export interface Score {
  /** Of every axis's labels[0], in the axes' order; the mean over the text's windows. */
  readonly probabilities: readonly number[];
  /** Ids fed to the model, special tokens included, over all windows. */
  readonly tokens: number;
  readonly windows: number;
  /** Whether the text had more windows than are scored. */
  readonly truncated: boolean;
  readonly tokenizeMs: number;
  readonly computeMs: number;
}

/** Scores one text at a time. */
export interface Engine {
  /** `text` is cleaned. AppError `engine_failed` where the engine died or could not do it. */
  score(text: string): Promise<Score>;
}

/** A set of engines that comes and goes as processes die and start. */
export interface Engines {
  /** Engines there would be if all were up. */
  readonly size: number;
  /** Engines that can score. */
  readonly up: number;
  /** One that waits for work; it is idle no longer once its `score` is called. */
  idle(): Engine | undefined;
  /** `listener` is called whenever an engine has become idle. */
  onIdle(listener: () => void): void;
}
