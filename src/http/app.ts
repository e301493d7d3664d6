import express, { type Express } from 'express';
import { AppError } from '../errors.ts';
import type { AppDeps } from './deps.ts';
import { commonHeaders, wellFormed } from './middleware/guards.ts';
import { problemAnswer } from './middleware/problem.ts';
import { requestId } from './middleware/request-id.ts';
import { requestMetrics, setRoute } from './middleware/request-metrics.ts';
import { allowedMethods, type Route, UNMATCHED } from './route.ts';
import { createRoutes } from './routes/index.ts';

/** The application: every route of the server, and problems for everything else. It does not listen. */
export function createApp(deps: AppDeps): Express {
  const routes = createRoutes(deps);
  declareMetrics(deps, routes);
  const app = express();
  app.disable('x-powered-by').disable('etag').disable('query parser');
  app.enable('strict routing').enable('case sensitive routing');
  app.use(requestMetrics(deps), requestId, commonHeaders, wellFormed);
  for (const path of new Set(routes.map((route) => route.path))) mount(app, routes, path);
  app.use(() => {
    throw new AppError('not_found', 'there is nothing at this path');
  });
  app.use(problemAnswer(deps));
  return app;
}

/** The routes of one path; any other method is 405 there. */
function mount(app: Express, routes: readonly Route[], path: string): void {
  const allowed = allowedMethods(routes, path);
  app.all(path, (request, response, next) => {
    setRoute(response, path);
    if (allowed.includes(request.method)) return next();
    response.set('allow', allowed.join(', '));
    throw new AppError('method_not_allowed', `expected ${allowed.join(' or ')}`);
  });
  for (const route of routes.filter((one) => one.path === path)) {
    if (route.method === 'GET') app.get(path, route.handler);
    else app.post(path, route.handler);
  }
}

function declareMetrics({ metrics }: AppDeps, routes: readonly Route[]): void {
  metrics.declareRoutes([
    ...routes.map(({ path, method, statuses }) => ({ route: path, methods: [method], statuses })),
    { route: UNMATCHED, methods: ['GET', 'POST'], statuses: [404] },
  ]);
}
