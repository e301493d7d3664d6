import type { Request, Response } from 'express';
import { AppError } from '../errors.ts';
import type { ScoredText } from '../scheduler/index.ts';
import { type Prediction, toPrediction } from '../task/index.ts';
import { readJson } from './body/read-json.ts';
import type { AppDeps } from './deps.ts';
import { requestIdOf } from './middleware/request-id.ts';
import { parsePredictRequest, parseTimeout } from './predict-request.ts';

/** What the routes that score texts may answer. */
export const scoringStatuses = [200, 400, 408, 413, 415, 429, 503] as const;

export interface AnsweredText extends Prediction {
  readonly model: { readonly name: string; readonly version: string };
  readonly usage: {
    readonly tokens: number;
    readonly windows: number;
    readonly truncated: boolean;
  };
}

export interface ScoredRequest {
  /** Cleaned. */
  readonly texts: readonly string[];
  readonly scores: readonly ScoredText[];
  /** They came as `texts`: the answer is a list. */
  readonly isList: boolean;
}

/** Reads a request with a text or texts, and scores them. AppError `not_ready`, and as its parts. */
export async function scoreRequest(
  deps: AppDeps,
  request: Request,
  response: Response,
  options: { readonly explain?: boolean } = {},
): Promise<ScoredRequest> {
  const { state, limits, model, scheduler } = deps;
  if (state() === 'starting') throw new AppError('not_ready', 'the model is still loading');
  const timeoutMs = parseTimeout(request.get('x-request-timeout-ms'), limits.timeoutMs);
  const body = await readJson(request, response, limits.maxBodyBytes);
  const { texts, isList } = parsePredictRequest(body, {
    cleaning: model.task.cleaning,
    maxTexts: limits.maxTexts,
  });
  const signal = whenLeft(response);
  const scores = await scheduler.submit(texts, { timeoutMs, signal, ...options });
  logPredictions(deps, requestIdOf(response), texts, scores);
  return { texts, isList, scores };
}

/** Writes what was predicted to the log of predictions, where there is one. */
function logPredictions(
  { predictionLog, model }: AppDeps,
  requestId: string | undefined,
  texts: readonly string[],
  scores: readonly ScoredText[],
): void {
  if (!predictionLog) return;
  for (const [i, { probabilities, tokens }] of scores.entries()) {
    const { dimensions } = toPrediction(model.task, probabilities);
    predictionLog.record(model, requestId, { text: texts[i] ?? '', dimensions, tokens });
  }
}

/** One text's answer, counted as a prediction. */
export function answer({ model, metrics }: AppDeps, score: ScoredText): AnsweredText {
  const { tokens, windows, truncated } = score;
  const prediction = toPrediction(model.task, score.probabilities);
  metrics.predicted(prediction.dimensions, { tokens, truncated });
  return {
    ...prediction,
    model: { name: model.name, version: model.version },
    usage: { tokens, windows, truncated },
  };
}

/** Aborts when the connection is closed before the answer is out. */
function whenLeft(response: Response): AbortSignal {
  const controller = new AbortController();
  if (response.destroyed) controller.abort();
  response.on('close', () => {
    if (!response.writableFinished) controller.abort();
  });
  return controller.signal;
}
