import type { Request, Response } from 'express';
import { AppError } from '../../errors.ts';
import type { ScoredText } from '../../scheduler/index.ts';
import { type Prediction, toPrediction } from '../../task/index.ts';
import { readJson } from '../body/read-json.ts';
import type { AppDeps } from '../deps.ts';
import { parsePredictRequest, parseTimeout } from '../predict-request.ts';
import type { Route } from '../route.ts';

interface AnsweredText extends Prediction {
  readonly model: { readonly name: string; readonly version: string };
  readonly usage: {
    readonly tokens: number;
    readonly windows: number;
    readonly truncated: boolean;
  };
}

/** `POST /predict`: `{"text"}` → one prediction, `{"texts"}` → `{"predictions"}` in order. */
export function predictRoute(deps: AppDeps): Route {
  return {
    path: '/predict',
    method: 'POST',
    statuses: [200, 400, 408, 413, 415, 429, 503],
    handler: async (request, response) => {
      if (deps.state() === 'starting') {
        throw new AppError('not_ready', 'the model is still loading');
      }
      await predict(deps, request, response);
    },
  };
}

async function predict(deps: AppDeps, request: Request, response: Response): Promise<void> {
  const { limits, model, scheduler } = deps;
  const timeoutMs = parseTimeout(request.get('x-request-timeout-ms'), limits.timeoutMs);
  const body = await readJson(request, response, limits.maxBodyBytes);
  const { texts, isList } = parsePredictRequest(body, {
    cleaning: model.task.cleaning,
    maxTexts: limits.maxTexts,
  });
  const scores = await scheduler.submit(texts, { timeoutMs, signal: whenLeft(response) });
  const answers = scores.map((score) => answer(deps, score));
  const [only] = answers;
  response.json(isList ? { predictions: answers } : only);
}

function answer({ model, metrics }: AppDeps, score: ScoredText): AnsweredText {
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
