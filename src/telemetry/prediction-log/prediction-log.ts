import { createHash } from 'node:crypto';
import type { Logger } from '../logger.ts';
import { type Duty, RotatingFile, type RotatingFileOptions } from './rotating-file.ts';

/** A line of the log of predictions. */
export interface LoggedPrediction {
  /** ISO 8601, UTC. */
  readonly time: string;
  readonly request_id?: string;
  readonly model: { readonly name: string; readonly version: string };
  /** By axis. */
  readonly labels: Readonly<Record<string, string>>;
  /** By axis: the probability of its first label, to six digits. */
  readonly scores: Readonly<Record<string, number>>;
  readonly tokens: number;
  /** The cleaned text, where texts are kept; else its hash, hex. */
  readonly text?: string;
  readonly text_sha256?: string;
}

/** A text that was scored, and what came of it. */
export interface PredictedText {
  readonly text: string;
  readonly dimensions: readonly {
    readonly dimension: string;
    readonly label: string;
    readonly score: number;
  }[];
  readonly tokens: number;
}

export interface PredictionLogOptions extends Omit<RotatingFileOptions, 'onError' | 'onRecovery'> {
  readonly keepTexts: boolean;
  /** The part of the texts that is logged, from 0 to 1. */
  readonly sample: number;
  readonly logger: Pick<Logger, 'error' | 'info'>;
  /** From 0 to below 1. */
  readonly random?: () => number;
}

const failures: Readonly<Record<Duty, string>> = {
  write: 'predictions cannot be logged',
  'put aside': 'the log of predictions cannot be put aside and grows on',
  remove: 'old logs of predictions cannot be removed',
};

/** Writes what was predicted to a file of JSON lines, for a part of the texts. */
export class PredictionLog {
  readonly #options: PredictionLogOptions;
  readonly #file: RotatingFile;

  constructor(options: PredictionLogOptions) {
    this.#options = options;
    const { logger, path } = options;
    this.#file = new RotatingFile({
      ...options,
      onError: (duty, { message }) => {
        logger.error(failures[duty], { file: path, reason: message });
      },
      onRecovery: (duty) => {
        if (duty === 'write') logger.info('predictions are logged again', { lost: this.lost });
      },
    });
  }

  /** Predictions that were to be logged and are not, since the start. */
  get lost(): number {
    return this.#file.lost;
  }

  record(
    { name, version }: LoggedPrediction['model'],
    requestId: string | undefined,
    predicted: PredictedText,
  ): void {
    const { sample, keepTexts, random = Math.random } = this.#options;
    if (random() >= sample) return;
    const { text, dimensions, tokens } = predicted;
    const line: LoggedPrediction = {
      time: new Date().toISOString(),
      ...(requestId === undefined ? {} : { request_id: requestId }),
      model: { name, version },
      labels: Object.fromEntries(dimensions.map((one) => [one.dimension, one.label])),
      scores: Object.fromEntries(dimensions.map((one) => [one.dimension, sixDigits(one.score)])),
      tokens,
      ...(keepTexts ? { text } : { text_sha256: createHash('sha256').update(text).digest('hex') }),
    };
    this.#file.append(JSON.stringify(line));
  }

  /** Resolves when everything is on the disk. */
  close(): Promise<void> {
    return this.#file.close();
  }
}

function sixDigits(value: number): number {
  return Number(value.toFixed(6));
}
