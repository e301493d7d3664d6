import { AppError } from '../../../errors.ts';
import type { AppDeps } from '../../deps.ts';
import { modelsOf } from '../../models.ts';
import { protocolErrors } from '../../openapi/errors.ts';
import { json, ref } from '../../openapi/operation.ts';
import type { Route } from '../../route.ts';
import { pathParameters } from '../model-path.ts';

/** `POST /v2/repository/models/{model}/load` and `…/index`: admin routes, off without API keys. */
export function repositoryRoutes(deps: AppDeps): Route[] {
  return [loadRoute(deps), indexRoute(deps)];
}

function loadRoute(deps: AppDeps): Route {
  const path = '/v2/repository/models/{model}/load';
  const { name, version } = deps.model;
  return {
    path,
    method: 'POST',
    operation: {
      operationId: 'loadModel',
      tag: 'open inference protocol',
      summary: 'Load a model again, or one that is new',
      description:
        'Verifies the bundle, loads it beside the one that is served, and serves it with no failed request. Where the server serves a folder of bundles, the name may be one that was put there since. An admin route: without API keys it is off.',
      parameters: pathParameters(deps, path),
      responses: {
        200: json('What is served now', ref('LoadedModel'), {
          loaded: { summary: 'This model', value: { name, version } },
        }),
        ...protocolErrors(['unauthorized', 'forbidden', 'not_found', 'not_ready']),
      },
    },
    handler: async (request, response) => {
      if (deps.state() === 'starting') {
        throw new AppError('not_ready', 'the model is still loading');
      }
      const loaded = await deps.reload(String(request.params.model));
      response.json({ name: loaded.name, version: loaded.version });
    },
  };
}

function indexRoute(deps: AppDeps): Route {
  const index = () =>
    modelsOf(deps).map(({ model: { name, version }, state }) => {
      const isReady = state === 'ok' || state === 'draining';
      const reason = isReady ? '' : 'no inference process of it is up';
      return { name, version, state: isReady ? 'READY' : 'UNAVAILABLE', reason };
    });
  return {
    path: '/v2/repository/index',
    method: 'POST',
    operation: {
      operationId: 'repositoryIndex',
      tag: 'open inference protocol',
      summary: 'The models that are served',
      description: 'The body is not read. An admin route: without API keys it is off.',
      responses: {
        200: json('Each model and version', ref('RepositoryIndex')),
        ...protocolErrors(['unauthorized', 'forbidden']),
      },
    },
    handler: (_request, response) => {
      response.json(index());
    },
  };
}
