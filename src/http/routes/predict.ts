import type { AppDeps } from '../deps.ts';
import type { Route } from '../route.ts';
import { answer, scoreRequest, scoringStatuses } from '../score-request.ts';

/** `POST /predict`: `{"text"}` → one prediction, `{"texts"}` → `{"predictions"}` in order. */
export function predictRoute(deps: AppDeps): Route {
  return {
    path: '/predict',
    method: 'POST',
    statuses: scoringStatuses,
    handler: async (request, response) => {
      const { scores, isList } = await scoreRequest(deps, request, response);
      const answers = scores.map((score) => answer(deps, score));
      const [only] = answers;
      response.json(isList ? { predictions: answers } : only);
    },
  };
}
