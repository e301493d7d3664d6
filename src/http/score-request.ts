import type { Request, Response } from 'express';
import { AppError } from '../errors.ts';
import { type Prediction, toPrediction } from '../task/index.ts';
import type { AppDeps } from './deps.ts';
import { callerOf } from './middleware/access.ts';
import { requestIdOf } from './middleware/request-id.ts';
import { spanOf } from './middleware/request-span.ts';
import type { Parameter } from './openapi/operation.ts';
import { recallOrScore, type TextResult } from './recall-or-score.ts';

export interface AnsweredText extends Prediction {
  readonly model: { readonly name: string; readonly version: string };
  readonly usage: {
    readonly tokens: number;
    readonly windows: number;
    readonly truncated: boolean;
  };
}

/** Longer deadlines than an hour are slips. */
const LONGEST_TIMEOUT_MS = 3_600_000;

/** The deadline of a request, as the document describes it and `parseTimeout` reads it. */
export const timeoutParameter: Parameter = {
  name: 'x-request-timeout-ms',
  in: 'header',
  description: 'How long the request may take before it is answered 408',
  schema: { type: 'integer', minimum: 1, maximum: LONGEST_TIMEOUT_MS },
};

/** What a request says before its body is read. AppError `not_ready`, `invalid_request`. */
export function admit(
  { state, limits }: AppDeps,
  request: Request,
): { readonly timeoutMs: number } {
  if (state() === 'starting') throw new AppError('not_ready', 'the model is still loading');
  return { timeoutMs: parseTimeout(request.get(timeoutParameter.name), limits.timeoutMs) };
}

/** The scores of cleaned texts, in order, given up when the client leaves. */
export async function scoreTexts(
  deps: AppDeps,
  response: Response,
  texts: readonly string[],
  options: { readonly timeoutMs: number; readonly explain?: boolean },
): Promise<TextResult[]> {
  const signal = whenLeft(response);
  const caller = callerOf(response);
  const scores = await recallOrScore(deps, spanOf(response), texts, { ...options, signal, caller });
  logPredictions(deps, requestIdOf(response), texts, scores);
  return scores;
}

/** Writes what was predicted to the log of predictions, where there is one. */
function logPredictions(
  { predictionLog, model }: AppDeps,
  requestId: string | undefined,
  texts: readonly string[],
  scores: readonly TextResult[],
): void {
  if (!predictionLog) return;
  for (const [i, { probabilities, tokens }] of scores.entries()) {
    const { dimensions } = toPrediction(model.task, probabilities);
    predictionLog.record(model, requestId, { text: texts[i] ?? '', dimensions, tokens });
  }
}

/** One text's answer, counted as a prediction. */
export function answer({ model, metrics }: AppDeps, score: TextResult): AnsweredText {
  const { tokens, windows, truncated } = score;
  const prediction = toPrediction(model.task, score.probabilities);
  metrics.predicted(prediction.dimensions, { tokens, truncated });
  return {
    ...prediction,
    model: { name: model.name, version: model.version },
    usage: { tokens, windows, truncated },
  };
}

function parseTimeout(header: string | undefined, defaultMs: number): number {
  if (header === undefined) return defaultMs;
  const value = Number(header);
  if (/^\d{1,7}$/.test(header) && value >= 1 && value <= LONGEST_TIMEOUT_MS) return value;
  throw new AppError(
    'invalid_request',
    `x-request-timeout-ms is not a whole number of milliseconds from 1 to ${LONGEST_TIMEOUT_MS}`,
  );
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
