import express, { type Express } from 'express';
import { AppError, errorTable } from '../errors.ts';
import type { AppDeps } from './deps.ts';
import { guard, guardStatuses, RATE_LIMITED } from './middleware/access.ts';
import { answersPreflight, cors } from './middleware/cors.ts';
import { commonHeaders, wellFormed } from './middleware/guards.ts';
import { noQuery } from './middleware/no-query.ts';
import { problemAnswer } from './middleware/problem.ts';
import { requestId } from './middleware/request-id.ts';
import { requestMetrics, setRoute } from './middleware/request-metrics.ts';
import { securityHeaders } from './middleware/security-headers.ts';
import { traceContext } from './middleware/trace-context.ts';
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
  app.set('trust proxy', deps.access?.trustedProxies ?? 0);
  app.use(
    requestMetrics(deps),
    requestId,
    traceContext(deps),
    securityHeaders(),
    commonHeaders,
    cors(deps),
    wellFormed,
  );
  const checkOf = bodyChecks(document, deps.model.task);
  const paths = new Set(routes.map((route) => route.path));
  for (const path of paths) mount(app, deps, { routes, path, checkOf });
  app.use(() => {
    throw new AppError('not_found', 'there is nothing at this path');
  });
  app.use(problemAnswer(deps));
  return app;
}

/** The routes of one path; any other method is 405 there. */
function mount(
  app: Express,
  deps: AppDeps,
  {
    routes,
    path,
    checkOf,
  }: {
    readonly routes: readonly Route[];
    readonly path: string;
    readonly checkOf: (route: Route) => BodyCheck;
  },
): void {
  const allowed = allowedMethods(routes, path);
  const pattern = path.replace(/\{(\w+)\}/g, ':$1');
  app.all(pattern, (request, response, next) => {
    setRoute(response, path);
    if (answersPreflight(request, response, allowed)) return;
    if (allowed.includes(request.method)) return next();
    response.set('allow', allowed.join(', '));
    throw new AppError('method_not_allowed', `expected ${allowed.join(' or ')}`);
  });
  for (const route of routes.filter((one) => one.path === path)) {
    const checkBody = checkOf(route);
    const method = route.method === 'GET' ? 'get' : 'post';
    app[method](pattern, guard(deps, route), noQuery, (request, response) =>
      route.handler(request, response, checkBody),
    );
  }
}

/** What every route may come to: a failure inside, a client that leaves. */
const anyRoute = [errorTable.internal.status, errorTable.client_closed.status];

function declareMetrics({ metrics }: AppDeps, routes: readonly Route[]): void {
  metrics.declareRejections([RATE_LIMITED]);
  metrics.declareRoutes([
    ...routes.map((route) => ({
      route: route.path,
      methods: [route.method],
      statuses: [...statusesOf(route), ...guardStatuses(route), ...anyRoute],
    })),
    { route: UNMATCHED, methods: ['GET', 'POST'], statuses: [404] },
  ]);
}
