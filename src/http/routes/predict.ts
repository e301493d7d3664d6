import type { AppDeps } from '../deps.ts';
import { problems, scoringCodes } from '../openapi/errors.ts';
import { examplePrediction } from '../openapi/examples.ts';
import { json, type Operation, ref } from '../openapi/operation.ts';
import { predictBody, scoreRequest } from '../predict-request.ts';
import type { Route } from '../route.ts';
import { answer, timeoutParameter } from '../score-request.ts';

/** `POST /predict`: `{"text"}` → one prediction, `{"texts"}` → `{"predictions"}` in order. */
export function predictRoute(deps: AppDeps): Route {
  return {
    path: '/predict',
    method: 'POST',
    operation: operation(deps),
    handler: async (request, response, checkBody) => {
      const { scores, isList } = await scoreRequest(deps, request, response, { checkBody });
      const answers = scores.map((score) => answer(deps, score));
      const [only] = answers;
      response.json(isList ? { predictions: answers } : only);
    },
  };
}

function operation(deps: AppDeps): Operation {
  const prediction = examplePrediction(deps);
  return {
    operationId: 'predict',
    tag: 'predictions',
    summary: 'What the model says of a text, or of several',
    description:
      "A text longer than the model's window is scored in windows and averaged; `usage` says so.",
    parameters: [timeoutParameter],
    body: predictBody,
    responses: {
      200: json(
        'One prediction for `text`, `predictions` in order for `texts`',
        { oneOf: [ref('Prediction'), ref('Predictions')] },
        {
          text: { summary: 'Of one text', value: prediction },
          texts: { summary: 'Of several', value: { predictions: [prediction, prediction] } },
        },
      ),
      ...problems(scoringCodes),
    },
  };
}
