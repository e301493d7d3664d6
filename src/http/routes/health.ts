import { AppError } from '../../errors.ts';
import type { ServerState } from '../../models/index.ts';
import type { AppDeps } from '../deps.ts';
import { modelsOf, serverState } from '../models.ts';
import { problems } from '../openapi/errors.ts';
import { exactly, json, ref } from '../openapi/operation.ts';
import type { Route } from '../route.ts';

/** Why a server that is not `ok` takes no new traffic. */
const notReady: Record<Exclude<ServerState, 'ok'>, string> = {
  starting: 'the model is still loading',
  unavailable: 'no inference process is up',
  draining: 'the server is stopping',
};

/** AppError `not_ready`, which says why, unless it is `ok`. */
export function checkReady(now: ServerState): void {
  if (now !== 'ok') throw new AppError('not_ready', notReady[now]);
}

/** `/health` for people, `/health/live` and `/health/ready` for probes. */
export function healthRoutes(deps: AppDeps): Route[] {
  const { model } = deps;
  const sum = (of: 'workers' | 'queueDepth') =>
    modelsOf(deps).reduce((total, one) => total + one[of], 0);
  return [
    {
      path: '/health',
      method: 'GET',
      operation: {
        operationId: 'health',
        tag: 'service',
        summary: 'How the server is, for people',
        responses: { 200: json('Whatever its state', ref('Health')) },
      },
      handler: (_request, response) => {
        const status = serverState(deps);
        response.json({
          status,
          ready: status === 'ok',
          model: { name: model.name, version: model.version },
          workers: sum('workers'),
          queue_depth: sum('queueDepth'),
          uptime_seconds: Math.round(process.uptime()),
        });
      },
    },
    {
      path: '/health/live',
      method: 'GET',
      operation: {
        operationId: 'live',
        tag: 'service',
        summary: 'Whether the process lives: for liveness probes',
        responses: { 200: json('It does', exactly({ status: { const: 'alive' } })) },
      },
      handler: (_request, response) => {
        response.json({ status: 'alive' });
      },
    },
    {
      path: '/health/ready',
      method: 'GET',
      operation: {
        operationId: 'ready',
        tag: 'service',
        summary: 'Whether it takes new traffic: for readiness probes',
        description:
          'Not before every model has answered a warm-up, and not once the server is stopping.',
        responses: {
          200: json('It does', exactly({ status: { const: 'ready' } })),
          ...problems(['not_ready']),
        },
      },
      handler: (_request, response) => {
        checkReady(serverState(deps));
        response.json({ status: 'ready' });
      },
    },
  ];
}
