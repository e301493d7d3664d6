import type { RequestHandler } from 'express';
import { AppError } from '../../errors.ts';

/** Headers of every answer. */
export const commonHeaders: RequestHandler = (_request, response, next) => {
  response.set('cache-control', 'no-store');
  next();
};

/** What RFC 9112 demands of a request line and its Host, answered as a problem. */
export const wellFormed: RequestHandler = (request, _response, next) => {
  if (request.httpVersionMinor === 1 && request.headers.host === undefined) {
    throw new AppError('invalid_request', 'there is no Host header');
  }
  try {
    decodeURIComponent(request.path);
  } catch {
    throw new AppError('invalid_request', 'the path is not percent-encoded correctly');
  }
  next();
};
