import express, { type Express } from 'express';
import { AppError } from '../errors.ts';
import type { AppDeps } from './deps.ts';
import { commonHeaders, wellFormed } from './middleware/guards.ts';
import { problemAnswer } from './middleware/problem.ts';
import { requestId } from './middleware/request-id.ts';
import { requestMetrics, setRoute } from './middleware/request-metrics.ts';
import { type BodyCheck, bodyChecks } from './openapi/validator.ts';
import { allowedMethods, type Route, statusesOf, UNMATCHED } from './route.ts';
import { createRoutes } from './routes/index.ts';

/** The application: every route of the server, and problems for everything else. It does not listen. */
export function createApp(deps: AppDeps): Express {
  const { routes, document } = createRoutes(deps);
  declareMetrics(deps, routes);
  const app = express();
  app.disable('x-powered-by').disable('etag').disable('query parser');
  app.enable('strict routing').enable('case sensitive routing');
  app.use(requestMetrics(deps), requestId, commonHeaders, wellFormed);
  const checkOf = bodyChecks(document, deps.model.task.cleaning);
  for (const path of new Set(routes.map((route) => route.path))) mount(app, routes, path, checkOf);
  app.use(() => {
    throw new AppError('not_found', 'there is nothing at this path');
  });
  app.use(problemAnswer(deps));
  return app;
}

/** The routes of one path; any other method is 405 there. */
function mount(
  app: Express,
  routes: readonly Route[],
  path: string,
  checkOf: (route: Route) => BodyCheck,
): void {
  const allowed = allowedMethods(routes, path);
  const pattern = path.replace(/\{(\w+)\}/g, ':$1');
  app.all(pattern, (request, response, next) => {
    setRoute(response, path);
    if (allowed.includes(request.method)) return next();
    response.set('allow', allowed.join(', '));
    throw new AppError('method_not_allowed', `expected ${allowed.join(' or ')}`);
  });
  for (const route of routes.filter((one) => one.path === path)) {
    const checkBody = checkOf(route);
    const method = route.method === 'GET' ? 'get' : 'post';
    app[method](pattern, (request, response) => route.handler(request, response, checkBody));
  }
}

function declareMetrics({ metrics }: AppDeps, routes: readonly Route[]): void {
  metrics.declareRoutes([
    ...routes.map((route) => ({
      route: route.path,
      methods: [route.method],
      statuses: statusesOf(route),
    })),
    { route: UNMATCHED, methods: ['GET', 'POST'], statuses: [404] },
  ]);
}
