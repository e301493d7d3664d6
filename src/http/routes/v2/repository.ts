import { AppError } from '../../../errors.ts';
import type { AppDeps } from '../../deps.ts';
import { protocolErrors } from '../../openapi/errors.ts';
import type { Route } from '../../route.ts';
import { pathParameters } from './model-path.ts';

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
        description: 'An admin route: without API keys it is off.',
        parameters: pathParameters(deps, path),
        responses: protocolErrors(['unauthorized', 'forbidden']),
      },
      handler: () => {
        throw new AppError('forbidden', 'admin routes are off: this server has no API keys');
      },
    },
  ];
}
