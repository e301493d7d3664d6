import type { Explanation } from '../../engine/index.ts';
import { AppError } from '../../errors.ts';
import type { ScoredText } from '../../scheduler/index.ts';
import type { Task } from '../../task/index.ts';
import type { AppDeps } from '../deps.ts';
import type { Route } from '../route.ts';
import { answer, scoreRequest, scoringStatuses } from '../score-request.ts';

/** `POST /explain`: as /predict, each prediction with an `explanation`. */
export function explainRoute(deps: AppDeps): Route {
  const { model } = deps;
  return {
    path: '/explain',
    method: 'POST',
    statuses: [...scoringStatuses, 404],
    handler: async (request, response) => {
      if (!model.explains) {
        throw new AppError(
          'explain_unavailable',
          `the bundle of ${model.name} has no explain graph`,
        );
      }
      const scored = await scoreRequest(deps, request, response, { explain: true });
      const answers = scored.scores.map((score, i) => ({
        ...answer(deps, score),
        explanation: explained(model.task, scored.texts[i] ?? '', score),
      }));
      const [only] = answers;
      response.json(scored.isList ? { predictions: answers } : only);
    },
  };
}

/** An explanation as clients see it: values by the axes' names. */
function explained({ axes }: Task, text: string, { explanation }: ScoredText) {
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
