import type { AppDeps } from '../deps.ts';
import { problems, scoringCodes, tooShortDetail } from '../openapi/errors.ts';
import { examplePrediction } from '../openapi/examples.ts';
import { json, type Operation } from '../openapi/operation.ts';
import { predictBody, scoreRequest } from '../predict-request.ts';
import type { Route } from '../route.ts';
import { answer, timeoutParameter } from '../score-request.ts';
import { checkModel, namedIn, pathParameters } from './model-path.ts';

/** `POST /predict` and `/models/{model}/predict`: `{"text"}` → one prediction, `{"texts"}` → `{"predictions"}` in order. */
export function predictRoutes(deps: AppDeps): Route[] {
  return ['/predict', '/models/{model}/predict'].map((path) => ({
    path,
    method: 'POST',
    operation: operation(deps, path),
    handler: async (request, response, checkBody) => {
      checkModel(deps, request);
      const { scores, isList } = await scoreRequest(deps, request, response, { checkBody });
      const answers = scores.map((score) => answer(deps, score));
      const [only] = answers;
      response.json(isList ? { predictions: answers } : only);
    },
  }));
}

function operation(deps: AppDeps, path: string): Operation {
  const prediction = examplePrediction(deps);
  const { isNamed, schema, codes } = namedIn(path);
  return {
    operationId: isNamed ? 'predictByModel' : 'predict',
    tag: 'predictions',
    summary: `What ${isNamed ? 'one of the models' : 'the model'} says of a text, or of several`,
    description:
      "A text longer than the model's window is scored in windows and averaged; `usage` says so.",
    parameters: [...pathParameters(deps, path), timeoutParameter],
    body: predictBody(schema('PredictRequest')),
    responses: {
      200: json(
        'One prediction for `text`, `predictions` in order for `texts`',
        { oneOf: [schema('Prediction'), schema('Predictions')] },
        {
          text: { summary: 'Of one text', value: prediction },
          texts: { summary: 'Of several', value: { predictions: [prediction, prediction] } },
        },
      ),
      ...problems([...scoringCodes, ...codes], tooShortDetail(deps.model, 'text')),
    },
  };
}
