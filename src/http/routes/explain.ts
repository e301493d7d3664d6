import type { Request, Response } from 'express';
import type { Explanation } from '../../engine/index.ts';
import { AppError } from '../../errors.ts';
import type { ServedModel } from '../../models/index.ts';
import type { Task } from '../../task/index.ts';
import type { AppDeps } from '../deps.ts';
import { modelsOf } from '../models.ts';
import { problems, scoringCodes, tooShortDetail } from '../openapi/errors.ts';
import { examplePrediction, exampleText } from '../openapi/examples.ts';
import { json, type Operation } from '../openapi/operation.ts';
import type { BodyCheck } from '../openapi/validator.ts';
import { predictBody, scoreRequest } from '../predict-request.ts';
import type { Route } from '../route.ts';
import { answer, timeoutParameter } from '../score-request.ts';
import { checkModel, namedIn, pathParameters } from './model-path.ts';

/** `POST /explain` and `/models/{model}/explain`: as /predict, each prediction with an `explanation`. */
export function explainRoutes(deps: AppDeps): Route[] {
  return ['/explain', '/models/{model}/explain'].map((path) => ({
    path,
    method: 'POST',
    operation: operation(deps, path),
    handler: async (request, response, checkBody) => {
      checkModel(deps, request);
      const explained = await explain(deps, request, response, checkBody);
      response.json(explained);
    },
  }));
}

async function explain(
  deps: AppDeps,
  request: Request,
  response: Response,
  checkBody: BodyCheck,
): Promise<unknown> {
  const { model } = deps;
  if (!model.explains) {
    throw new AppError('explain_unavailable', `the bundle of ${model.name} has no explain graph`);
  }
  const scored = await scoreRequest(deps, request, response, { checkBody, explain: true });
  const answers = scored.scores.map((score, i) => ({
    ...answer(deps, score),
    explanation: explained(model.task, scored.texts[i] ?? '', score.explanation),
  }));
  const [only] = answers;
  return scored.isList ? { predictions: answers } : only;
}

function operation(deps: AppDeps, path: string): Operation {
  const { isNamed } = namedIn(path);
  // Where the path names the model, it may be another one than the app's that explains.
  const models = [deps.model, ...(isNamed ? modelsOf(deps).map(({ model }) => model) : [])];
  const explainer = models.find(({ explains }) => explains);
  return {
    operationId: isNamed ? 'explainByModel' : 'explain',
    tag: 'predictions',
    summary: 'A prediction, and which words it comes from',
    parameters: [...pathParameters(deps, path), timeoutParameter],
    ...(explainer ? explaining(explainer, path) : unavailable(path)),
  };
}

function explaining(model: ServedModel, path: string): Pick<Operation, 'body' | 'responses'> {
  const { schema, codes } = namedIn(path);
  const explanation = exampleExplanation(model.task);
  const explained = { ...examplePrediction({ model }), explanation };
  return {
    body: predictBody(schema('PredictRequest')),
    responses: {
      200: json(
        'One prediction for `text`, `predictions` in order for `texts`, each with its explanation',
        { oneOf: [schema('ExplainedPrediction'), schema('ExplainedPredictions')] },
        {
          text: { summary: 'Of one text', value: explained },
          texts: { summary: 'Of several', value: { predictions: [explained, explained] } },
        },
      ),
      ...problems(
        [...scoringCodes, ...codes, 'explain_unavailable'],
        tooShortDetail(model, 'text'),
      ),
    },
  };
}

/** Of bundles without an explain graph. */
function unavailable(path: string): Pick<Operation, 'body' | 'responses'> {
  const { schema, codes } = namedIn(path);
  return {
    body: {
      ...predictBody(schema('PredictRequest')),
      examples: {
        explain_unavailable: {
          summary: 'Refused: the bundle has no explain graph',
          value: { text: exampleText },
        },
      },
    },
    responses: problems([...codes, 'explain_unavailable']),
  };
}

/** Cut: every word of a text is there. */
function exampleExplanation(task: Task) {
  return explained(task, exampleText, {
    method: 'integrated_gradients',
    logits: task.axes.map(() => 0.5),
    baselineLogits: task.axes.map(() => 0.25),
    specialTokens: task.axes.map(() => 0),
    words: [
      {
        text: 'solving',
        start: 8,
        end: 15,
        pieces: ['solv', '##ing'],
        attributions: task.axes.map(() => 0.25),
      },
    ],
  });
}

/** An explanation as clients see it: values by the axes' names. */
function explained({ axes }: Task, text: string, explanation: Explanation | undefined) {
  if (!explanation) throw new AppError('internal', 'the engine has not explained the text');
  const { method, logits, baselineLogits, specialTokens, words } = explanation;
  const byAxis = (values: readonly number[]): Record<string, number> =>
    Object.fromEntries(axes.map(({ name }, i) => [name, values[i] ?? Number.NaN]));
  return {
    method,
    text,
    logits: byAxis(logits),
    ...(baselineLogits ? { baseline_logits: byAxis(baselineLogits) } : {}),
    special_tokens: byAxis(specialTokens),
    words: words.map(wordAnswer(byAxis)),
  };
}

const wordAnswer =
  (byAxis: (values: readonly number[]) => Record<string, number>) =>
  ({ text, start, end, pieces, attributions }: Explanation['words'][number]) => ({
    word: text,
    start,
    end,
    pieces,
    attributions: byAxis(attributions),
  });
