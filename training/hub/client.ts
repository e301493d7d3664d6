import { setTimeout as delay } from 'node:timers/promises';
import { AppError } from '../../src/errors.ts';
import { lastingFailure, networkFailure, PassingFailure, requireFound } from './failures.ts';
import type { HubReference } from './reference.ts';
import type { HubSettings } from './settings.ts';

/** What a hub says of a file before it is downloaded. */
export interface RemoteFile {
  readonly path: string;
  /** The commit that the revision stands for. */
  readonly commit: string;
  /** sha256 (64 hex digits) of large files, git's blob id (40) of small ones, or anything else. */
  readonly etag: string;
  readonly size: number | undefined;
}

const MOST_REDIRECTS = 5;
const MOST_TRIES = 5;
/** Milliseconds before the first repetition; then twice as many each time. */
const FIRST_PAUSE = 250;
/** Milliseconds that a server may have us wait before it is asked again. */
const LONGEST_PAUSE = 30_000;

/** HTTP to a hub. Failures of the network and of the server are tried again. */
export class HubClient {
  readonly #settings: HubSettings;
  readonly #pause: number;

  constructor(settings: HubSettings, pause = FIRST_PAUSE) {
    this.#settings = settings;
    this.#pause = pause;
  }

  /** What is known of a file; undefined where the model has none of this name. */
  async find(reference: HubReference, path: string): Promise<RemoteFile | undefined> {
    return this.retrying(async () => {
      let url = this.#url(reference, path);
      let commit: string | null = null;
      for (let i = 0; i <= MOST_REDIRECTS; i++) {
        const answer = await this.#fetch(url, { method: 'HEAD', redirect: 'manual' });
        if (isMissingFile(answer)) return undefined;
        requireFound(answer, reference, this.#settings);
        const { headers } = answer;
        commit ??= headers.get('x-repo-commit');
        const etag = headers.get('x-linked-etag') ?? (answer.ok ? headers.get('etag') : null);
        if (etag !== null && commit !== null) return remoteFile(path, commit, etag, headers);
        const location = headers.get('location');
        if (etag !== null || location === null || !URL.canParse(location, url)) break;
        url = new URL(location, url).href;
      }
      throw notAHub(url);
    });
  }

  /**
   * The answer with a file's bytes from `offset` on: status 206, or 200 with all of them, or 416.
   */
  async open({ repo }: HubReference, file: RemoteFile, offset: number): Promise<Response> {
    const reference = { repo, revision: file.commit };
    const answer = await this.#fetch(this.#url(reference, file.path), {
      headers: offset > 0 ? { range: `bytes=${offset}-` } : {},
    });
    if (answer.status !== 416) requireFound(answer, reference, this.#settings);
    return answer;
  }

  /**
   * Does something again, after a pause, while it fails with a PassingFailure; whatever else it throws passes through.
   * AppError `file_missing` where it has not passed after some tries, or is to be waited for too long.
   */
  async retrying<T>(attempt: () => Promise<T>): Promise<T> {
    for (let tries = 1; ; tries++) {
      try {
        return await attempt();
      } catch (error) {
        if (!(error instanceof PassingFailure)) throw error;
        const wait = Math.max(this.#pause * 2 ** (tries - 1), 1000 * (error.retryAfter ?? 0));
        if (tries === MOST_TRIES || wait > LONGEST_PAUSE) {
          throw lastingFailure(this.#settings, error);
        }
        await delay(wait);
      }
    }
  }

  #url({ repo, revision }: HubReference, path: string): string {
    return `${this.#settings.endpoint}/${repo}/resolve/${encodeURIComponent(revision)}/${path}`;
  }

  async #fetch(url: string, init: RequestInit): Promise<Response> {
    const { token, endpoint } = this.#settings;
    const own = token !== undefined && new URL(url).origin === new URL(endpoint).origin;
    const answer = await fetch(url, {
      ...init,
      headers: {
        // Lengths and ranges are those of the file itself.
        'accept-encoding': 'identity',
        ...(own ? { authorization: `Bearer ${token}` } : {}),
        ...init.headers,
      },
    }).catch((cause: unknown) => {
      throw networkFailure(new URL(url).origin, cause);
    });
    if (answer.status >= 500 || answer.status === 429) {
      await answer.body?.cancel();
      throw new PassingFailure(`the answer was ${answer.status}`, answer);
    }
    return answer;
  }
}

function remoteFile(path: string, commit: string, etag: string, headers: Headers): RemoteFile {
  const size = Number(headers.get('x-linked-size') ?? headers.get('content-length') ?? Number.NaN);
  if (!/^[0-9a-f]{40}$/.test(commit)) {
    throw new AppError(
      'data_invalid',
      `the hub's commit of ${path} is "${commit}": expected 40 hex digits`,
    );
  }
  return {
    path,
    commit,
    etag: etag.replace(/^W\//, '').replaceAll('"', ''),
    size: Number.isSafeInteger(size) ? size : undefined,
  };
}

/** A 404 that is about the file, not about the model or its revision. */
const isMissingFile = ({ status, headers }: Response): boolean =>
  status === 404 && !/^(Repo|Revision)NotFound$/.test(headers.get('x-error-code') ?? '');

const notAHub = (url: string): AppError =>
  new AppError('data_invalid', `${url} does not answer as a hub: expected x-repo-commit and etag`, {
    hint: 'check HF_ENDPOINT',
  });
