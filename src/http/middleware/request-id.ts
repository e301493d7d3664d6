import { randomUUID } from 'node:crypto';
import type { RequestHandler, Response } from 'express';

const HEADER = 'x-request-id';

/** Only what cannot forge a line of a log or a header. */
const acceptable = /^[\w.-]{1,128}$/;

/** Takes the client's request id or makes one, and sends it back. */
export const requestId: RequestHandler = (request, response, next) => {
  const given = request.get(HEADER);
  response.set(HEADER, given !== undefined && acceptable.test(given) ? given : randomUUID());
  next();
};

export function requestIdOf(response: Response): string | undefined {
  return response.get(HEADER);
}
