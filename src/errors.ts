/** How one kind of error shows: over HTTP (RFC 9457 `title` and status) and as a command's exit code. */
interface ErrorKind {
  readonly title: string;
  readonly status: number;
  readonly exitCode: number;
}

/**
 * Every error of the product, by its stable code.
 * Exit codes: 1 failed or wrong contents, 2 usage or configuration, 3 something required is missing, 130 interrupted.
 */
export const errorTable = {
  // Commands
  usage: { title: 'Wrong usage', status: 400, exitCode: 2 },
  config_invalid: { title: 'The configuration is not valid', status: 500, exitCode: 2 },
  config_missing: { title: 'The configuration file does not exist', status: 500, exitCode: 2 },
  file_missing: { title: 'A required file does not exist', status: 500, exitCode: 3 },
  device_unavailable: { title: 'The requested device is not available', status: 500, exitCode: 3 },
  data_invalid: { title: 'The data is not valid', status: 500, exitCode: 1 },
  model_invalid: { title: 'The ONNX model is not valid', status: 500, exitCode: 1 },
  operator_unsupported: { title: 'An operator is not supported', status: 500, exitCode: 1 },
  bundle_missing: { title: 'The model bundle does not exist', status: 503, exitCode: 3 },
  bundle_invalid: { title: 'The model bundle is not valid', status: 503, exitCode: 1 },
  port_unavailable: { title: 'The port cannot be listened on', status: 500, exitCode: 1 },
  write_failed: { title: 'A file cannot be written', status: 500, exitCode: 1 },
  training_failed: { title: 'Training failed', status: 500, exitCode: 1 },
  quantization_refused: {
    title: 'The quantized model is not good enough',
    status: 500,
    exitCode: 1,
  },
  interrupted: { title: 'Interrupted', status: 500, exitCode: 130 },
  // Requests
  invalid_json: { title: 'The body is not valid JSON', status: 400, exitCode: 1 },
  invalid_request: { title: 'The request is not valid', status: 400, exitCode: 1 },
  text_too_short: { title: 'The text is too short', status: 400, exitCode: 1 },
  unauthorized: { title: 'An API key is needed', status: 401, exitCode: 1 },
  forbidden: { title: 'The request is not allowed', status: 403, exitCode: 1 },
  not_found: { title: 'There is nothing at this path', status: 404, exitCode: 1 },
  explain_unavailable: { title: 'The model cannot be explained', status: 404, exitCode: 1 },
  method_not_allowed: { title: 'The method is not allowed here', status: 405, exitCode: 1 },
  request_timeout: { title: 'The request did not arrive in time', status: 408, exitCode: 1 },
  deadline_exceeded: { title: 'The deadline has passed', status: 408, exitCode: 1 },
  body_too_large: { title: 'The body is too large', status: 413, exitCode: 1 },
  unsupported_media_type: { title: 'The content type is not supported', status: 415, exitCode: 1 },
  headers_too_large: { title: 'The headers are too large', status: 431, exitCode: 1 },
  queue_full: { title: 'Too many texts are waiting', status: 429, exitCode: 1 },
  rate_limited: { title: 'Too many requests', status: 429, exitCode: 1 },
  not_ready: { title: 'The server is not ready', status: 503, exitCode: 1 },
  engine_failed: { title: 'The inference engine failed', status: 503, exitCode: 1 },
  /** Never seen by a client: 499 is what logs and metrics say of a request that was given up. */
  client_closed: { title: 'The client left before the answer', status: 499, exitCode: 1 },
  internal: { title: 'Internal error', status: 500, exitCode: 1 },
} as const satisfies Record<string, ErrorKind>;

export type ErrorCode = keyof typeof errorTable;

export interface AppErrorOptions {
  /** What the user can do about it; shown on a line of its own. */
  readonly hint?: string;
  readonly cause?: unknown;
  /** Seconds after which trying again makes sense: the answer's Retry-After. */
  readonly retryAfter?: number;
}

/** The only error class that the product throws on purpose: `message` says what was wrong and what was expected. */
export class AppError extends Error {
  readonly code: ErrorCode;
  readonly hint: string | undefined;
  readonly retryAfter: number | undefined;

  constructor(code: ErrorCode, message: string, options: AppErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = 'AppError';
    this.code = code;
    this.hint = options.hint;
    this.retryAfter = options.retryAfter;
  }

  get status(): number {
    return errorTable[this.code].status;
  }

  get exitCode(): number {
    return errorTable[this.code].exitCode;
  }
}

/** What can be done about a file that cannot be written, by the system's error code. */
const writeHints: Readonly<Record<string, string>> = {
  ENOSPC: 'the disk is full: free some space, or name a folder on another disk',
  EDQUOT: 'the disk quota is used up: free some space, or name a folder on another disk',
  EACCES: 'you may not write there: name another folder',
  EPERM: 'you may not write there: name another folder',
  EROFS: 'that file system is read-only: name another folder',
  ENOENT: 'make the folder first, or name another one',
  ENOTDIR: 'a part of that path is a file, not a folder: name another folder',
  EEXIST: 'a file is where a folder is to be: name another folder',
  EISDIR: 'a folder is where a file is to be: name another place',
  EFBIG: 'files may not become so large there: raise the limit (ulimit -f), or name another disk',
  EIO: 'the disk fails: name a folder on another disk',
};

/** What an error says, of whatever was thrown. */
export function messageOf(error: unknown): string {
  // Not by its class: errors of another realm, as of tests' sandboxes, have another one.
  const { message } = (error ?? {}) as { readonly message?: unknown };
  return typeof message === 'string' ? message : String(error);
}

/** AppError `write_failed` for a file or folder; an AppError stays as it is. */
export function writeError(path: string, cause: unknown): AppError {
  if (cause instanceof AppError) return cause;
  const reason = messageOf(cause);
  const hint = writeHints[(cause as NodeJS.ErrnoException).code ?? ''];
  return new AppError('write_failed', `${path} cannot be written: ${reason}`, {
    cause,
    ...(hint === undefined ? {} : { hint }),
  });
}
