import type { Explanation } from '../../engine/index.ts';
import { AppError } from '../../errors.ts';
import type { Task } from '../../task/index.ts';
import type { AppDeps } from '../deps.ts';
import { problems, scoringCodes } from '../openapi/errors.ts';
import { examplePrediction, exampleText } from '../openapi/examples.ts';
import { json, type Operation, ref } from '../openapi/operation.ts';
import { predictBody, scoreRequest } from '../predict-request.ts';
import type { Route } from '../route.ts';
import { answer, timeoutParameter } from '../score-request.ts';

/** `POST /explain`: as /predict, each prediction with an `explanation`. */
export function explainRoute(deps: AppDeps): Route {
  const { model } = deps;
  return {
    path: '/explain',
    method: 'POST',
    operation: operation(deps),
    handler: async (request, response, checkBody) => {
      if (!model.explains) {
        throw new AppError(
          'explain_unavailable',
          `the bundle of ${model.name} has no explain graph`,
        );
      }
      const scored = await scoreRequest(deps, request, response, {
        checkBody,
        explain: true,
      });
      const answers = scored.scores.map((score, i) => ({
        ...answer(deps, score),
        explanation: explained(model.task, scored.texts[i] ?? '', score.explanation),
      }));
      const [only] = answers;
      response.json(scored.isList ? { predictions: answers } : only);
    },
  };
}

function operation(deps: AppDeps): Operation {
  return {
    operationId: 'explain',
    tag: 'predictions',
    summary: 'A prediction, and which words it comes from',
    parameters: [timeoutParameter],
    ...(deps.model.explains ? explaining(deps) : unavailable),
  };
}

function explaining(deps: AppDeps): Pick<Operation, 'body' | 'responses'> {
  const explanation = exampleExplanation(deps.model.task);
  const explained = { ...examplePrediction(deps), explanation };
  return {
    body: predictBody,
    responses: {
      200: json(
        'One prediction for `text`, `predictions` in order for `texts`, each with its explanation',
        { oneOf: [ref('ExplainedPrediction'), ref('ExplainedPredictions')] },
        {
          text: { summary: 'Of one text', value: explained },
          texts: { summary: 'Of several', value: { predictions: [explained, explained] } },
        },
      ),
      ...problems([...scoringCodes, 'explain_unavailable']),
    },
  };
}

/** Of a bundle without an explain graph. */
const unavailable: Pick<Operation, 'body' | 'responses'> = {
  body: {
    ...predictBody,
    examples: {
      explain_unavailable: {
        summary: 'Refused: the bundle has no explain graph',
        value: { text: exampleText },
      },
    },
  },
  responses: problems(['explain_unavailable']),
};

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
