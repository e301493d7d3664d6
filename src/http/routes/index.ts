import type { AppDeps } from '../deps.ts';
import { modelsOf } from '../models.ts';
import { type OpenApiDocument, openApiDocument } from '../openapi/document.ts';
import { queryErrors } from '../openapi/errors.ts';
import type { Route } from '../route.ts';
import { componentSchemas } from '../schemas/index.ts';
import { docsRoute } from './docs.ts';
import { explainRoutes } from './explain.ts';
import { healthRoutes } from './health.ts';
import { infoRoute } from './info.ts';
import { metricsRoute } from './metrics.ts';
import { openApiRoute } from './openapi.ts';
import { predictRoutes } from './predict.ts';
import { uiRoute } from './ui.ts';
import { protocolHealthRoutes } from './v2/health.ts';
import { inferRoutes } from './v2/infer.ts';
import { metadataRoutes } from './v2/metadata.ts';
import { repositoryRoutes } from './v2/repository.ts';

/**
 * Every route of the server, and the document that describes them for the app's own model: requests
 * are checked by it. What is published describes all models of the server as they are at the time.
 */
export function createRoutes(deps: AppDeps): { routes: Route[]; document: OpenApiDocument } {
  const published = publishedDocument(deps);
  const routes = routesOf(deps, published);
  const { models: _others, ...alone } = deps;
  return { routes, document: openApiDocument(routes, componentSchemas(alone)) };
}

function routesOf(deps: AppDeps, document: () => OpenApiDocument): Route[] {
  return [
    ...predictRoutes(deps),
    ...explainRoutes(deps),
    ...inferRoutes(deps),
    ...metadataRoutes(deps),
    ...protocolHealthRoutes(deps),
    ...repositoryRoutes(deps),
    ...healthRoutes(deps),
    metricsRoute(deps),
    infoRoute(deps),
    openApiRoute(document),
    docsRoute(document),
    uiRoute(),
  ].map(refusingQueries);
}

/** Every route may be asked with a query, and answers that with 400. */
function refusingQueries(route: Route): Route {
  const { path, operation } = route;
  const responses = { ...queryErrors(path), ...operation.responses };
  return { ...route, operation: { ...operation, responses } };
}

/** Made again when another model was loaded. */
function publishedDocument(deps: AppDeps): () => OpenApiDocument {
  let of = '';
  let document: OpenApiDocument | undefined;
  const published = (): OpenApiDocument => {
    const now = JSON.stringify(
      modelsOf(deps).map(({ model: { name, version } }) => [name, version]),
    );
    if (now !== of) document = undefined;
    of = now;
    document ??= openApiDocument(routesOf(deps, published), componentSchemas(deps));
    return document;
  };
  return published;
}
