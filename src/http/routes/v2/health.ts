import type { AppDeps } from '../../deps.ts';
import { serverState } from '../../models.ts';
import { protocolErrors } from '../../openapi/errors.ts';
import { json, ref } from '../../openapi/operation.ts';
import type { Route } from '../../route.ts';
import { checkReady } from '../health.ts';
import { checkModel, modelPaths, pathParameters } from '../model-path.ts';

/** `GET /v2/health/{live,ready}` and `GET /v2/models/{model}[/versions/{version}]/ready`. */
export function protocolHealthRoutes(deps: AppDeps): Route[] {
  return [liveRoute, readyRoute(deps), ...modelReadyRoutes(deps)];
}

const liveRoute: Route = {
  path: '/v2/health/live',
  method: 'GET',
  operation: {
    operationId: 'protocolLive',
    tag: 'open inference protocol',
    summary: 'Whether the server lives',
    responses: { 200: json('It does', ref('Live')) },
  },
  handler: (_request, response) => {
    response.json({ live: true });
  },
};

/** The server is ready when its models are. */
function readyRoute(deps: AppDeps): Route {
  return {
    path: '/v2/health/ready',
    method: 'GET',
    operation: {
      operationId: 'protocolReady',
      tag: 'open inference protocol',
      summary: 'Whether all models are ready',
      responses: { 200: json('They are', ref('Ready')), ...protocolErrors(['not_ready']) },
    },
    handler: (_request, response) => {
      checkReady(serverState(deps));
      response.json({ ready: true });
    },
  };
}

function modelReadyRoutes(deps: AppDeps): Route[] {
  return modelPaths('/ready').map((path) => ({
    path,
    method: 'GET',
    operation: {
      operationId: path.includes('{version}') ? 'modelVersionReady' : 'modelReady',
      tag: 'open inference protocol',
      summary: 'Whether a model is ready',
      parameters: pathParameters(deps, path),
      responses: {
        200: json('It is', ref('ModelReady')),
        ...protocolErrors(['not_found', 'not_ready']),
      },
    },
    handler: (request, response) => {
      checkModel(deps, request);
      checkReady(deps.state());
      response.json({ name: deps.model.name, ready: true });
    },
  }));
}
