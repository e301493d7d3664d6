import type { AppDeps } from '../deps.ts';
import { type OpenApiDocument, openApiDocument } from '../openapi/document.ts';
import type { Route } from '../route.ts';
import { componentSchemas } from '../schemas/index.ts';
import { docsRoute } from './docs.ts';
import { explainRoute } from './explain.ts';
import { healthRoutes } from './health.ts';
import { infoRoute } from './info.ts';
import { metricsRoute } from './metrics.ts';
import { openApiRoute } from './openapi.ts';
import { predictRoute } from './predict.ts';
import { uiRoute } from './ui.ts';
import { protocolHealthRoutes } from './v2/health.ts';
import { inferRoutes } from './v2/infer.ts';
import { metadataRoutes } from './v2/metadata.ts';
import { repositoryRoutes } from './v2/repository.ts';

/** Every route of the server, and the document that describes them. */
export function createRoutes(deps: AppDeps): { routes: Route[]; document: OpenApiDocument } {
  const routes: Route[] = [
    predictRoute(deps),
    explainRoute(deps),
    ...inferRoutes(deps),
    ...metadataRoutes(deps),
    ...protocolHealthRoutes(deps),
    ...repositoryRoutes(deps),
    ...healthRoutes(deps),
    metricsRoute(deps),
    infoRoute(deps),
    openApiRoute(() => document),
    docsRoute(() => document),
    uiRoute(),
  ];
  const document = openApiDocument(routes, componentSchemas(deps));
  return { routes, document };
}
