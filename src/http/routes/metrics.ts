import type { AppDeps } from '../deps.ts';
import type { Route } from '../route.ts';

/** `GET /metrics`: the Prometheus text format. */
export function metricsRoute({ metrics }: AppDeps): Route {
  return {
    path: '/metrics',
    method: 'GET',
    statuses: [200],
    handler: async (_request, response) => {
      const exposition = await metrics.exposition();
      response.set('content-type', metrics.contentType).send(exposition);
    },
  };
}
