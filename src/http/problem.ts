import { AppError, type ErrorCode, errorTable } from '../errors.ts';

/** RFC 9457, with a stable code. */
export interface Problem {
  readonly type: string;
  readonly title: string;
  readonly status: number;
  readonly detail: string;
  readonly code: ErrorCode;
  readonly request_id?: string;
}

const PROBLEM_TYPE = 'application/problem+json; charset=utf-8';

/** Seconds that Retry-After says where an error does not know better. */
const DEFAULT_RETRY_AFTER = 1;

/** Of 5xx answers only these say what happened; the others' messages are for the log. */
const openCodes: ReadonlySet<ErrorCode> = new Set(['not_ready']);

/** Any thrown value as one of the product's errors. */
export function toAppError(error: unknown): AppError {
  if (error instanceof AppError) return error;
  const status = statusOf(error);
  if (status !== undefined && status >= 400 && status < 500) {
    return new AppError('invalid_request', 'the request cannot be read', { cause: error });
  }
  return new AppError('internal', 'something went wrong', { cause: error });
}

export function toProblem(error: AppError, requestId?: string): Problem {
  const { title } = errorTable[error.code];
  const isOpen = error.status < 500 || openCodes.has(error.code);
  return {
    type: `urn:mbti-onnx:error:${error.code}`,
    title,
    status: error.status,
    detail: isOpen ? error.message : `${title}; try again later`,
    code: error.code,
    ...(requestId === undefined ? {} : { request_id: requestId }),
  };
}

/** The Open Inference Protocol's routes have errors of their own form. */
export function isProtocolPath(path: string): boolean {
  return /^\/v2(\/|$)/.test(path);
}

/** The body of an error's answer, in the form of the path that was asked for. */
export function errorBody(
  error: AppError,
  path: string,
  requestId?: string,
): { readonly type: string; readonly body: string } {
  const problem = toProblem(error, requestId);
  return isProtocolPath(path)
    ? { type: 'application/json; charset=utf-8', body: JSON.stringify({ error: problem.detail }) }
    : { type: PROBLEM_TYPE, body: JSON.stringify(problem) };
}

/** The answer's headers beside its type. */
export function problemHeaders(error: AppError): Record<string, string> {
  if (error.status !== 429 && error.status !== 503) return {};
  return { 'retry-after': String(error.retryAfter ?? DEFAULT_RETRY_AFTER) };
}

function statusOf(error: unknown): number | undefined {
  if (typeof error !== 'object' || error === null || !('status' in error)) return undefined;
  return typeof error.status === 'number' ? error.status : undefined;
}
