import type { Request, RequestHandler, Response } from 'express';
import { AppError } from '../../errors.ts';
import { callerOfAddress, type Scope } from '../../security/index.ts';
import type { AppDeps } from '../deps.ts';
import type { Route } from '../route.ts';

/** The reason that `mbti_queue_rejected_total` has for a caller that is over its limit. */
export const RATE_LIMITED = 'rate_limit';

/** RFC 6750: one token, of these characters. */
const bearer = /^Bearer +([\w.~+/-]+=*)$/i;

/** Routes that change what is served; one that is new and forgotten here is at least not open. */
const adminPath = /^\/v2\/repository\//;

/** Who may ask for a route: `null` is everybody. */
export function scopeOf({ path, method, scope }: Route): Scope | null {
  if (scope !== undefined) return scope;
  if (adminPath.test(path)) return 'admin';
  return method === 'POST' ? 'predict' : null;
}

/** What the guard of a route may answer in its place. */
export function guardStatuses(route: Route): readonly number[] {
  return scopeOf(route) === null ? [] : [401, 403, 429];
}

/**
 * Lets through who has the route's scope and is within its rate limit.
 * AppError `unauthorized`, `forbidden`, `rate_limited`.
 */
export function guard(deps: Pick<AppDeps, 'access' | 'metrics'>, route: Route): RequestHandler {
  const scope = scopeOf(route);
  return (request, response, next) => {
    if (scope === null) return next();
    const caller = deps.access?.keys
      ? keyOf(deps.access.keys, scope, request, response)
      : addressOf(scope, request);
    response.locals.caller = caller;
    const seconds = deps.access?.rateLimiter?.take(caller) ?? 0;
    if (seconds === 0) return next();
    deps.metrics.requestRejected(RATE_LIMITED);
    throw new AppError('rate_limited', `the limit of requests is reached: wait ${seconds} s`, {
      retryAfter: seconds,
    });
  };
}

/** Whose request it is: its API key's name, or else its address, by the proxies that are trusted. */
export function callerOf(response: Response): string {
  return typeof response.locals.caller === 'string' ? response.locals.caller : '';
}

/** The name of the key that a request was let in with. */
export function keyNameOf(response: Response): string | undefined {
  return typeof response.locals.key === 'string' ? response.locals.key : undefined;
}

function keyOf(
  keys: NonNullable<NonNullable<AppDeps['access']>['keys']>,
  scope: Scope,
  request: Request,
  response: Response,
): string {
  const header = request.get('authorization');
  const challenge = 'Bearer realm="mbti-onnx"';
  if (header === undefined) {
    response.set('www-authenticate', challenge);
    throw new AppError('unauthorized', 'expected the header Authorization: Bearer <API key>');
  }
  const token = bearer.exec(header)?.[1];
  const key = token === undefined ? undefined : keys.find(token);
  if (!key) {
    response.set('www-authenticate', `${challenge}, error="invalid_token"`);
    throw new AppError('unauthorized', 'the API key is not known');
  }
  response.locals.key = key.name;
  if (!key.scopes.has(scope)) {
    response.set('www-authenticate', `${challenge}, error="insufficient_scope", scope="${scope}"`);
    throw new AppError('forbidden', `the API key has not the scope ${scope}`);
  }
  return `key ${key.name}`;
}

function addressOf(scope: Scope, request: Request): string {
  if (scope === 'admin') {
    throw new AppError('forbidden', 'admin routes are closed where no API keys are configured');
  }
  return `address ${callerOfAddress(request.ip ?? '')}`;
}
