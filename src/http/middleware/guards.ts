import type { RequestHandler } from 'express';
import { AppError } from '../../errors.ts';

/** Headers of every answer. */
export const commonHeaders: RequestHandler = (request, response, next) => {
  response.set('cache-control', 'no-store');
  // Nothing is to be cached, so nothing has changed or not: Express would answer `*` with 304.
  delete request.headers['if-none-match'];
  next();
};

/** What RFC 9112 demands of a request line and its Host, answered as a problem. */
export const wellFormed: RequestHandler = (request, _response, next) => {
  const hosts = request.headersDistinct.host ?? [];
  if (request.httpVersionMinor === 1 && hosts.length === 0) {
    throw new AppError('invalid_request', 'there is no Host header');
  }
  if (hosts.length > 1) throw new AppError('invalid_request', 'there is more than one Host header');
  try {
    decodeURIComponent(request.path);
  } catch {
    throw new AppError('invalid_request', 'the path is not percent-encoded correctly');
  }
  next();
};
