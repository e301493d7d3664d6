import { AppError } from '../../../errors.ts';
import type { AppDeps } from '../../deps.ts';
import { protocolErrors } from '../../openapi/errors.ts';
import { json, ref } from '../../openapi/operation.ts';
import type { Route } from '../../route.ts';
import { checkModel, pathParameters } from './model-path.ts';

/** `POST /v2/repository/models/{model}/load`: an admin route, off without API keys. */
export function repositoryRoutes(deps: AppDeps): Route[] {
  const path = '/v2/repository/models/{model}/load';
  return [
    {
      path,
      method: 'POST',
      operation: {
        operationId: 'loadModel',
        tag: 'open inference protocol',
        summary: 'Load a model again',
        description:
          'Verifies the bundle, loads it beside the one that is served, and serves it with no failed request. An admin route: without API keys it is off.',
        parameters: pathParameters(deps, path),
        responses: {
          200: json('What is served now', ref('LoadedModel'), {
            loaded: {
              summary: 'This model',
              value: { name: deps.model.name, version: deps.model.version },
            },
          }),
          ...protocolErrors(['unauthorized', 'forbidden', 'not_found', 'not_ready']),
        },
      },
      handler: async (request, response) => {
        if (deps.state() === 'starting') {
          throw new AppError('not_ready', 'the model is still loading');
        }
        checkModel(deps, request);
        const { name, version } = await deps.reload(deps.model.name);
        response.json({ name, version });
      },
    },
  ];
}
