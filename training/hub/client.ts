import { AppError } from '../../src/errors.ts';
import { shown } from '../../src/files/index.ts';
import { lastingFailure, PassingFailure, requireFound } from './failures.ts';
import type { HubReference } from './reference.ts';
import { ask, type HubAnswer, type HubRequest } from './request.ts';
import type { HubSettings } from './settings.ts';
import { type HubTiming, usualTiming } from './timing.ts';

/** What a hub says of a file before it is downloaded. */
export interface RemoteFile {
  readonly path: string;
  /** The commit that the revision stands for. */
  readonly commit: string;
  /** sha256 (64 hex digits) of large files, git's blob id (40) of small ones, or anything else. */
  readonly etag: string;
  readonly size: number | undefined;
}

const MOST_TRIES = 5;
/** Milliseconds that a server may have us wait before it is asked again. */
const LONGEST_PAUSE = 30_000;

/** HTTP to a hub. Failures of the network and of the server are tried again. */
export class HubClient {
  readonly timing: HubTiming;
  readonly #settings: HubSettings;
  /** Told why something is tried again. */
  readonly #onRetry: (why: string) => void;

  constructor(
    settings: HubSettings,
    timing: Partial<HubTiming> = {},
    onRetry: (why: string) => void = () => {},
  ) {
    this.#settings = settings;
    this.timing = { ...usualTiming, ...timing };
    this.#onRetry = onRetry;
  }

  /** What is known of a file; undefined where the model has none of this name. */
  async find(reference: HubReference, path: string): Promise<RemoteFile | undefined> {
    return this.retrying(async () => {
      let commit: string | null = null;
      const answer = await this.#ask(reference, path, {
        method: 'HEAD',
        suffices: ({ headers }) => {
          commit ??= headers.get('x-repo-commit');
          return commit !== null && headers.get('x-linked-etag') !== null;
        },
      });
      const { status, headers, url } = answer;
      if (isMissingFile(answer)) return undefined;
      requireFound(answer, reference, this.#settings);
      commit ??= headers.get('x-repo-commit');
      const etag = headers.get('x-linked-etag') ?? (status === 200 ? headers.get('etag') : null);
      if (etag === null || commit === null) throw notAHub(url);
      return remoteFile(path, commit, etag, headers);
    });
  }

  /**
   * The answer with a file's bytes from `offset` on: status 206, or 200 with all of them, or 416.
   */
  async open({ repo }: HubReference, file: RemoteFile, offset: number): Promise<HubAnswer> {
    const reference = { repo, revision: file.commit };
    const range = offset > 0 ? `bytes=${offset}-` : undefined;
    const answer = await this.#ask(reference, file.path, { method: 'GET', range });
    const { status } = answer;
    try {
      if (status !== 416) requireFound(answer, reference, this.#settings);
      if (status === 200 || status === 206 || status === 416) return answer;
      throw notAHub(answer.url);
    } catch (error) {
      await answer.cancel();
      throw error;
    }
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
        const { pause, wait } = this.timing;
        const ms = Math.max(pause * 2 ** (tries - 1), 1000 * (error.retryAfter ?? 0));
        if (tries === MOST_TRIES || ms > LONGEST_PAUSE) {
          throw lastingFailure(this.#settings, error);
        }
        this.#onRetry(`${error.message}: try ${tries + 1} of ${MOST_TRIES} in ${seconds(ms)} s`);
        await wait(ms);
      }
    }
  }

  #ask(reference: HubReference, path: string, request: HubRequest): Promise<HubAnswer> {
    const { repo, revision } = reference;
    const file = path.split('/').map(encodeURIComponent).join('/');
    const url = `${this.#settings.endpoint}/${repo}/resolve/${encodeURIComponent(revision)}/${file}`;
    return ask(url, request, this.#settings, this.timing);
  }
}

const seconds = (ms: number): string => (ms / 1000).toFixed(ms < 1000 ? 1 : 0);

function remoteFile(path: string, commit: string, etag: string, headers: Headers): RemoteFile {
  if (!/^[0-9a-f]{40}$/.test(commit)) {
    throw new AppError(
      'data_invalid',
      `the hub's commit of ${path} is ${shown(commit)}: expected 40 hex digits`,
    );
  }
  return {
    path,
    commit,
    etag: etag.replace(/^W\//, '').replaceAll('"', ''),
    size: sizeIn(headers),
  };
}

/** Of the file itself; the length of what is compressed says nothing of it. */
function sizeIn(headers: Headers): number | undefined {
  const own = headers.has('content-encoding') ? null : headers.get('content-length');
  const told = headers.get('x-linked-size') ?? own ?? '';
  const size = /^\d+$/.test(told) ? Number(told) : undefined;
  return Number.isSafeInteger(size) ? size : undefined;
}

/** A 404 that is about the file, not about the model or its revision. */
const isMissingFile = ({ status, headers }: HubAnswer): boolean =>
  status === 404 && !/^(Repo|Revision)NotFound$/.test(headers.get('x-error-code') ?? '');

const notAHub = (url: string): AppError =>
  new AppError(
    'data_invalid',
    `${withoutQuery(url)} does not answer as a hub: expected x-repo-commit and etag, then the file`,
    { hint: 'check HF_ENDPOINT' },
  );

/** A signed address is a secret for as long as it holds. */
const withoutQuery = (url: string): string => url.replace(/[?#].*$/s, '');
