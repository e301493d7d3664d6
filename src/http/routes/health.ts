import { AppError } from '../../errors.ts';
import type { AppDeps, ServerState } from '../deps.ts';
import type { Route } from '../route.ts';

/** Why a server that is not `ok` takes no new traffic. */
const notReady: Record<Exclude<ServerState, 'ok'>, string> = {
  starting: 'the model is still loading',
  unavailable: 'no inference process is up',
  draining: 'the server is stopping',
};

/** `/health` for people, `/health/live` and `/health/ready` for probes. */
export function healthRoutes({ state, model, scheduler, workersUp }: AppDeps): Route[] {
  return [
    {
      path: '/health',
      method: 'GET',
      statuses: [200],
      handler: (_request, response) => {
        response.json({
          status: state(),
          ready: state() === 'ok',
          model: { name: model.name, version: model.version },
          workers: workersUp(),
          queue_depth: scheduler.depth,
          uptime_seconds: Math.round(process.uptime()),
        });
      },
    },
    {
      path: '/health/live',
      method: 'GET',
      statuses: [200],
      handler: (_request, response) => {
        response.json({ status: 'alive' });
      },
    },
    {
      path: '/health/ready',
      method: 'GET',
      statuses: [200, 503],
      handler: (_request, response) => {
        const now = state();
        if (now !== 'ok') throw new AppError('not_ready', notReady[now]);
        response.json({ status: 'ready' });
      },
    },
  ];
}
