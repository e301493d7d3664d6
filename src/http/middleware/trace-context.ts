import { randomBytes } from 'node:crypto';
import type { RequestHandler, Response } from 'express';

const HEADER = 'traceparent';

/**
 * Version, trace id, parent id, flags. Of a later version than 00 more may follow, which means
 * nothing here; ids of zeros alone and the version ff are invalid.
 * Source: https://www.w3.org/TR/trace-context/#traceparent-header
 */
const format =
  /^(?!ff)(?<version>[0-9a-f]{2})-(?!0{32})(?<trace>[0-9a-f]{32})-(?!0{16})[0-9a-f]{16}-(?<flags>[0-9a-f]{2})(?<rest>-.*)?$/;

/** Of the flags only these have a meaning: sampled, and a trace id that is random. */
const KNOWN_FLAGS = 0b11;

/** A trace that begins here: nobody has decided to sample it, and its id is random. */
const NEW_FLAGS = 0b10;

/** Takes part in the caller's trace or begins one; the answer names the trace and this server's span. */
export const traceContext: RequestHandler = (request, response, next) => {
  const { trace, flags } = parse(request.get(HEADER)) ?? {
    trace: randomBytes(16).toString('hex'),
    flags: NEW_FLAGS,
  };
  const span = randomBytes(8).toString('hex');
  response.set(HEADER, `00-${trace}-${span}-${flags.toString(16).padStart(2, '0')}`);
  next();
};

/** The trace that a request belongs to. */
export function traceIdOf(response: Response): string | undefined {
  return response.get(HEADER)?.split('-')[1];
}

function parse(header: string | undefined): { trace: string; flags: number } | undefined {
  const { version, trace, flags, rest } = format.exec(header ?? '')?.groups ?? {};
  if (trace === undefined || flags === undefined) return undefined;
  if (version === '00' && rest !== undefined) return undefined;
  return { trace, flags: Number.parseInt(flags, 16) & KNOWN_FLAGS };
}
