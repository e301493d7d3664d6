import type { Request, RequestHandler, Response } from 'express';
import type { AppDeps } from '../deps.ts';

/** What a page may send and read beside what browsers always allow. */
const requestHeaders = [
  'authorization',
  'content-type',
  'traceparent',
  'tracestate',
  'x-request-id',
  'x-request-timeout-ms',
];
const answerHeaders = ['retry-after', 'traceparent', 'www-authenticate', 'x-request-id'];

/** How long a browser may remember the answer of a preflight, in seconds. */
const REMEMBER = '600';

/** Lets the pages of the configured origins read the answers; of no others, and without cookies. */
export function cors({ access }: Pick<AppDeps, 'access'>): RequestHandler {
  const origins = new Set(access?.corsOrigins ?? []);
  return (request, response, next) => {
    if (origins.size === 0) return next();
    response.vary('origin');
    const origin = request.get('origin');
    if (origin !== undefined && (origins.has('*') || origins.has(origin))) {
      response.set({
        'access-control-allow-origin': origins.has('*') ? '*' : origin,
        'access-control-expose-headers': answerHeaders.join(', '),
      });
    }
    next();
  };
}

/** Answers a browser that asks beforehand whether a page may send a request; false where it does not. */
export function answersPreflight(
  request: Request,
  response: Response,
  methods: readonly string[],
): boolean {
  const isAsked =
    request.method === 'OPTIONS' && request.get('access-control-request-method') !== undefined;
  if (!isAsked || response.get('access-control-allow-origin') === undefined) return false;
  response.status(204).set({
    'access-control-allow-methods': methods.join(', '),
    'access-control-allow-headers': requestHeaders.join(', '),
    'access-control-max-age': REMEMBER,
  });
  response.end();
  return true;
}
