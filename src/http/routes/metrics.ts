import type { AppDeps } from '../deps.ts';
import type { Route } from '../route.ts';

/** `GET /metrics`: the Prometheus text format. */
export function metricsRoute({ metrics }: AppDeps): Route {
  return {
    path: '/metrics',
    method: 'GET',
    operation: {
      operationId: 'metrics',
      tag: 'service',
      summary: 'Metrics for Prometheus',
      responses: {
        200: {
          description: 'The text exposition format, complete from the first scrape',
          content: { 'text/plain': { schema: { type: 'string' } } },
        },
      },
    },
    handler: async (_request, response) => {
      const exposition = await metrics.exposition();
      response.set('content-type', metrics.contentType).send(exposition);
    },
  };
}
