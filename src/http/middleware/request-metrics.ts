import type { Request, RequestHandler, Response } from 'express';
import { errorTable } from '../../errors.ts';
import type { AppDeps } from '../deps.ts';
import { UNMATCHED } from '../route.ts';
import { keyNameOf } from './access.ts';
import { knownMethod } from './known-method.ts';
import { levelOf } from './probes.ts';
import { requestIdOf } from './request-id.ts';
import { endSpan } from './request-span.ts';
import { traceIdOf } from './trace-context.ts';

/** The `method` label of methods that nobody should send. */
const OTHER_METHOD = 'OTHER';

/** Statuses that were sent past Express, by response: of requests that broke off in the middle. */
const rawStatuses = new WeakMap<object, number>();

/** Notes that a response was answered with this status on the bare socket. */
export function noteRawStatus(response: object, status: number): void {
  rawStatuses.set(response, status);
}

/** Notes which route's pattern a request is counted under. */
export function setRoute(response: Response, path: string): void {
  response.locals.route = path;
}

/** Counts, times and logs every request once, when its connection is done with it. */
export function requestMetrics(deps: AppDeps): RequestHandler {
  return (request, response, next) => {
    const begun = performance.now();
    response.on('close', () => finish(deps, request, response, performance.now() - begun));
    next();
  };
}

/** Counts a request that never became one for Express. */
export function countMalformed({ metrics }: Pick<AppDeps, 'metrics'>, status: number): void {
  metrics.requestFinished({ route: UNMATCHED, method: OTHER_METHOD, status, seconds: 0 });
}

function finish(deps: AppDeps, request: Request, response: Response, durationMs: number): void {
  const route = typeof response.locals.route === 'string' ? response.locals.route : UNMATCHED;
  const method = knownMethod(request.method) ?? OTHER_METHOD;
  const status = statusOf(response);
  deps.metrics.requestFinished({ route, method, status, seconds: durationMs / 1000 });
  endSpan(response, { route, status });
  deps.logger[levelOf(deps, route, status)]('request', {
    method,
    route,
    status,
    ms: Math.round(durationMs * 10) / 10,
    request_id: requestIdOf(response),
    trace_id: traceIdOf(response),
    key: keyNameOf(response),
  });
}

function statusOf(response: Response): number {
  if (response.writableFinished) return response.statusCode;
  return rawStatuses.get(response) ?? errorTable.client_closed.status;
}
