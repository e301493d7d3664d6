import type { AppDeps } from '../deps.ts';
import type { Route } from '../route.ts';
import { explainRoute } from './explain.ts';
import { healthRoutes } from './health.ts';
import { infoRoute } from './info.ts';
import { metricsRoute } from './metrics.ts';
import { predictRoute } from './predict.ts';

/** Every route of the server. */
export function createRoutes(deps: AppDeps): Route[] {
  return [
    predictRoute(deps),
    explainRoute(deps),
    ...healthRoutes(deps),
    metricsRoute(deps),
    infoRoute(deps),
  ];
}
