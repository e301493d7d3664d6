import { randomBytes } from 'node:crypto';
import type { RequestHandler, Response } from 'express';
import type { AppDeps } from '../deps.ts';
import { beginSpan } from './request-span.ts';

const HEADER = 'traceparent';

/**
 * Version, trace id, parent id, flags. Of a later version than 00 more may follow, which means
 * nothing here; ids of zeros alone and the version ff are invalid.
 * Source: https://www.w3.org/TR/trace-context/#traceparent-header
 */
const format =
  /^(?!ff)(?<version>[0-9a-f]{2})-(?!0{32})(?<trace>[0-9a-f]{32})-(?!0{16})(?<span>[0-9a-f]{16})-(?<flags>[0-9a-f]{2})(?<rest>-.*)?$/;

/** Of the flags only these have a meaning: sampled, and a trace id that is random. */
const SAMPLED = 0b01;
const RANDOM = 0b10;

interface TraceContext {
  readonly traceId: string;
  readonly spanId: string;
  readonly flags: number;
}

/**
 * Takes part in the caller's trace or begins one; the answer names the trace and this server's span.
 * Where spans are exported that is the one which will be, and its flag says whether it will.
 */
export function traceContext(deps: Pick<AppDeps, 'tracing'>): RequestHandler {
  return (request, response, next) => {
    const parent = parse(request.get(HEADER));
    const span = beginSpan(deps, request, response, parent && remote(parent));
    // A trace that begins here has a random id; without spans nobody has decided to sample it.
    const flags = parent?.flags ?? RANDOM;
    const { traceId, spanId } = span ?? {
      traceId: parent?.traceId ?? randomBytes(16).toString('hex'),
      spanId: randomBytes(8).toString('hex'),
    };
    const sampled = deps.tracing ? Number(span?.isSampled ?? false) : flags & SAMPLED;
    const answered = (flags & RANDOM) | sampled;
    response.set(HEADER, `00-${traceId}-${spanId}-${answered.toString(16).padStart(2, '0')}`);
    next();
  };
}

/** The trace that a request belongs to. */
export function traceIdOf(response: Response): string | undefined {
  return response.get(HEADER)?.split('-')[1];
}

function parse(header: string | undefined): TraceContext | undefined {
  const { version, trace, span, flags, rest } = format.exec(header ?? '')?.groups ?? {};
  if (trace === undefined || span === undefined || flags === undefined) return undefined;
  if (version === '00' && rest !== undefined) return undefined;
  return { traceId: trace, spanId: span, flags: Number.parseInt(flags, 16) };
}

function remote({ traceId, spanId, flags }: TraceContext) {
  return { traceId, spanId, isSampled: (flags & SAMPLED) !== 0 };
}
