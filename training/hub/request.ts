import { AppError } from '../../src/errors.ts';
import { shown } from '../../src/files/index.ts';
import { networkFailure, PassingFailure } from './failures.ts';
import type { HubSettings } from './settings.ts';
import { type HubTiming, Watchdog } from './timing.ts';

export interface HubRequest {
  readonly method: 'GET' | 'HEAD';
  readonly range?: string | undefined;
  /** Whether an answer that sends elsewhere is the one that was wanted. */
  readonly suffices?: (answer: Response) => boolean;
}

export interface HubAnswer {
  readonly status: number;
  readonly headers: Headers;
  /** Whence it came, after all redirections. */
  readonly url: string;
  /** The body as it comes; whoever does not read it to its end ends the connection. */
  readonly bytes: () => AsyncIterable<Uint8Array>;
  readonly cancel: () => Promise<void>;
}

const MOST_REDIRECTS = 5;

/**
 * Asks a hub, and follows where it sends: over HTTP(S) alone, and from https never to http. The token goes to the
 * endpoint's own scheme, host and port alone, and to nobody any more once an answer has sent elsewhere.
 *
 * @throws PassingFailure where the network or the server failed, or nothing was heard for too long
 */
export async function ask(
  first: string,
  { method, range, suffices = () => false }: HubRequest,
  { endpoint, token }: HubSettings,
  timing: HubTiming,
): Promise<HubAnswer> {
  const own = new URL(endpoint).origin;
  let isAway = false;
  let url = first;
  for (let i = 0; i <= MOST_REDIRECTS; i++) {
    isAway ||= new URL(url).origin !== own;
    const headers = {
      // Lengths and ranges are those of the file itself.
      'accept-encoding': 'identity',
      ...(token !== undefined && !isAway ? { authorization: `Bearer ${token}` } : {}),
      ...(range === undefined ? {} : { range }),
    };
    const answer = await answerOf(url, { method, headers }, timing);
    const location = redirection(answer.response);
    if (location === undefined || suffices(answer.response)) return readable(url, answer, timing);
    await answer.cancel();
    url = target(url, location);
  }
  throw new AppError('data_invalid', `${first} redirects more than ${MOST_REDIRECTS} times`, {
    hint: CHECK_ENDPOINT,
  });
}

const CHECK_ENDPOINT = 'check HF_ENDPOINT';

const redirection = ({ status, headers }: Response): string | undefined =>
  status >= 300 && status < 400 ? (headers.get('location') ?? undefined) : undefined;

function target(from: string, location: string): string {
  const url = URL.canParse(location, from) ? new URL(location, from) : undefined;
  const isWeb = url?.protocol === 'https:' || url?.protocol === 'http:';
  const isDowngrade = url?.protocol === 'http:' && new URL(from).protocol === 'https:';
  if (url !== undefined && isWeb && !isDowngrade) return url.href;
  const why = isDowngrade ? 'expected https, as before' : 'expected an http(s) address';
  const { origin } = new URL(from);
  const where = url ? `${url.protocol}//${url.host}` : location;
  throw new AppError('data_invalid', `${origin} redirects to ${shown(where)}: ${why}`, {
    hint: CHECK_ENDPOINT,
  });
}

interface Watched {
  readonly response: Response;
  readonly watchdog: Watchdog;
  readonly cancel: () => Promise<void>;
}

async function answerOf(url: string, init: RequestInit, timing: HubTiming): Promise<Watched> {
  const watchdog = new Watchdog(timing.silence);
  const response = await fetch(url, {
    ...init,
    redirect: 'manual',
    signal: watchdog.signal,
  }).catch((cause: unknown) => {
    watchdog.rest();
    throw failureOf(url, watchdog, timing, cause);
  });
  const cancel = async () => {
    watchdog.rest();
    await response.body?.cancel().catch(() => {});
  };
  if (response.status >= 500 || response.status === 429) {
    await cancel();
    throw new PassingFailure(`the answer was ${response.status}`, response);
  }
  if (init.method === 'HEAD') watchdog.rest();
  return { response, watchdog, cancel };
}

function failureOf(url: string, { signal }: Watchdog, timing: HubTiming, cause: unknown): Error {
  if (!signal.aborted) return networkFailure(new URL(url).origin, cause);
  return new PassingFailure(`nothing came for ${timing.silence / 1000} s`, undefined, cause);
}

function readable(url: string, watched: Watched, timing: HubTiming): HubAnswer {
  const { response, cancel } = watched;
  const { status, headers } = response;
  return { status, headers, url, cancel, bytes: () => received(url, watched, timing) };
}

/** What comes of an answer. Where it ends early, that is a failure of the network. */
async function* received(
  url: string,
  { response, watchdog, cancel }: Watched,
  timing: HubTiming,
): AsyncGenerator<Uint8Array> {
  const body = response.body?.getReader();
  try {
    for (;;) {
      watchdog.heard();
      const next = await body?.read().catch((cause: unknown) => {
        throw failureOf(url, watchdog, timing, cause);
      });
      if (next === undefined || next.done) return;
      // Writing to a slow disk is no silence of the hub's.
      watchdog.rest();
      yield next.value;
    }
  } finally {
    // Where it is not wanted to its end, the connection must not stay open.
    await body?.cancel().catch(() => {});
    await cancel();
  }
}
