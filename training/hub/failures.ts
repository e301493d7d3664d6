import { AppError, messageOf, writeError } from '../../src/errors.ts';
import { type HubReference, referenceText } from './reference.ts';
import type { HubSettings } from './settings.ts';

/** What the network or a hub failed at, and may not fail at a moment later. Only this is tried again. */
export class PassingFailure extends Error {
  /** Of a server's answer; undefined: there was none. */
  readonly status: number | undefined;
  /** Seconds after which the server wants to be asked again. */
  readonly retryAfter: number | undefined;

  constructor(message: string, answer?: Response, cause?: unknown) {
    super(message, { cause });
    this.status = answer?.status;
    this.retryAfter = secondsOf(answer?.headers.get('retry-after') ?? '');
  }
}

/** Of a Retry-After: seconds, or a date. */
function secondsOf(text: string): number | undefined {
  if (/^\d+$/.test(text)) return Number(text);
  const at = Date.parse(text);
  return Number.isNaN(at) ? undefined : Math.max(0, Math.ceil((at - Date.now()) / 1000));
}

const elsewhere =
  'HF_HUB_OFFLINE=1 takes what is in the cache; HF_ENDPOINT names another address; or give a local folder';

/** What the network did not give. AppError `file_missing` where trying again is of no use: a certificate stays wrong. */
export function networkFailure(endpoint: string, cause: unknown): Error {
  const inner = (cause as { readonly cause?: unknown }).cause ?? cause;
  // undici's own message says only that something failed.
  const reason = messageOf(inner) || messageOf(cause);
  const { code = '' } = inner as NodeJS.ErrnoException;
  if (!/CERT|TLS|SSL/.test(code)) return new PassingFailure(reason, undefined, cause);
  return new AppError('file_missing', `${endpoint} is not trusted: ${reason} (${code})`, {
    hint: 'NODE_EXTRA_CA_CERTS names a file of certificates to trust, such as a proxy’s',
    cause,
  });
}

/** What to say of a failure that did not pass. */
export function lastingFailure(
  { endpoint, token }: HubSettings,
  failure: PassingFailure,
): AppError {
  const { status, retryAfter } = failure;
  const message = (what: string) => `${endpoint} ${what}`;
  if (status === undefined) {
    return new AppError('file_missing', message(`cannot be reached: ${failure.message}`), {
      hint: elsewhere,
      cause: failure,
    });
  }
  if (status === 429) {
    const wait = retryAfter === undefined ? 'wait a few minutes' : `wait ${retryAfter} seconds`;
    const more = token === undefined ? '; with HF_TOKEN a hub allows more' : '';
    return new AppError('file_missing', message('answers 429: too many requests'), {
      hint: `${wait} and run it again: what is downloaded stays${more}`,
      cause: failure,
    });
  }
  return new AppError('file_missing', message(`answers ${status}: the hub itself fails`), {
    hint: `run it again later: what is downloaded stays. ${elsewhere}`,
    cause: failure,
  });
}

/** AppError `file_missing` for an answer that refuses. */
export function requireFound(
  { status, headers }: Pick<Response, 'status' | 'headers'>,
  reference: HubReference,
  { token }: HubSettings,
): void {
  if (status < 400) return;
  const refusal = refusals[status] ?? { what: `the answer was ${status}`, hint: REFERENCE };
  const { what, hint } = typeof refusal === 'function' ? refusal(headers, token) : refusal;
  throw new AppError('file_missing', `${referenceText(reference)}: ${what}`, { hint });
}

interface Refusal {
  readonly what: string;
  readonly hint: string;
}

const REFERENCE = 'expected hf:org/repo[@revision], a branch, a tag or a commit';

const refusals: Readonly<Record<number, (headers: Headers, token: string | undefined) => Refusal>> =
  {
    401: (_, token) =>
      token === undefined
        ? {
            what: 'it is private, needs its terms to be accepted, or does not exist (401)',
            hint: 'check the name, or set HF_TOKEN to a token that may read it',
          }
        : {
            what: 'HF_TOKEN is not accepted (401)',
            hint: 'set HF_TOKEN to a valid token, or leave it out for a public model',
          },
    403: (_, token) => ({
      what: 'it may not be read (403)',
      hint: `accept the model's terms on its page, and set HF_TOKEN to a token that may read it${token === undefined ? '' : ': the one that is set may not'}`,
    }),
    404: (headers) => ({
      what:
        headers.get('x-error-code') === 'RevisionNotFound'
          ? 'that revision does not exist'
          : 'there is no such model',
      hint: REFERENCE,
    }),
  };

/** Does something with a file of the cache; its failure is one of this machine's: AppError `write_failed`. */
export async function onDisk<T>(path: string, action: () => Promise<T>): Promise<T> {
  try {
    return await action();
  } catch (cause) {
    const { message, hint, code } = writeError(path, cause);
    const other = 'HF_HUB_CACHE names another folder for the cache';
    throw new AppError(code, message, {
      hint: hint === undefined ? other : `${hint}; ${other}`,
      cause,
    });
  }
}
