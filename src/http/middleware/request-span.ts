import type { Request, Response } from 'express';
import { type ErrorCode, errorTable } from '../../errors.ts';
import type { RemoteParent, RequestSpan } from '../../telemetry/index.ts';
import type { AppDeps } from '../deps.ts';
import { UNMATCHED } from '../route.ts';
import { knownMethod } from './known-method.ts';
import { isProbe } from './probes.ts';

/** The spans of requests under way, by response. */
const spans = new WeakMap<object, RequestSpan>();

/** What of a request went wrong, by response. */
const errors = new WeakMap<object, ErrorCode>();

/** Begins the span of a request, where spans are exported. Probes and scrapes have none. */
export function beginSpan(
  { tracing }: Pick<AppDeps, 'tracing'>,
  request: Request,
  response: Response,
  parent: RemoteParent | undefined,
): RequestSpan | undefined {
  const path = pathOf(request);
  if (!tracing || isProbe(path)) return undefined;
  const state = request.get('tracestate');
  const span = tracing.begin({
    method: knownMethod(request.method) ?? '_OTHER',
    path,
    scheme: request.protocol,
    ...(parent ? { parent: state === undefined ? parent : { ...parent, state } } : {}),
  });
  spans.set(response, span);
  return span;
}

/** The span of a request, to add to. */
export function spanOf(response: Response): RequestSpan | undefined {
  return spans.get(response);
}

/** Notes what a request is answered with. */
export function noteError(response: Response, code: ErrorCode): void {
  errors.set(response, code);
}

/** Ends the span of a request with what it was answered, and leaves out what nobody got. */
export function endSpan(
  response: Response,
  { route, status }: { readonly route: string; readonly status: number },
): void {
  const wasAnswered = status !== errorTable.client_closed.status;
  const error = errors.get(response) ?? (wasAnswered ? String(status) : 'client_closed');
  spans.get(response)?.end({
    ...(route === UNMATCHED ? {} : { route }),
    ...(wasAnswered ? { status } : {}),
    ...(status >= 400 ? { error } : {}),
  });
}

/** Without the query; what cannot be parsed is refused later. */
function pathOf(request: Request): string {
  try {
    return request.path;
  } catch {
    return '/';
  }
}
