import type { ErrorRequestHandler } from 'express';
import type { AppDeps } from '../deps.ts';
import { errorBody, problemHeaders, toAppError } from '../problem.ts';
import { requestIdOf } from './request-id.ts';
import { noteError } from './request-span.ts';
import { traceIdOf } from './trace-context.ts';

/** Turns whatever was thrown into an answer (RFC 9457). What failed inside goes to the log alone. */
export function problemAnswer({ logger }: Pick<AppDeps, 'logger'>): ErrorRequestHandler {
  return (thrown: unknown, request, response, _next) => {
    const error = toAppError(thrown);
    noteError(response, error.code);
    const requestId = requestIdOf(response);
    if (error.status >= 500 && error.code !== 'not_ready') {
      const cause = error.cause instanceof Error ? error.cause.stack : undefined;
      const trace_id = traceIdOf(response);
      logger.error(error.message, { code: error.code, request_id: requestId, trace_id, cause });
    }
    if (response.headersSent || error.code === 'client_closed') {
      response.destroy();
      return;
    }
    const { type, body } = errorBody(error, request.path, requestId);
    response.status(error.status).set(problemHeaders(error)).set('content-type', type).send(body);
  };
}
