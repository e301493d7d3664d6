import { join } from 'node:path';
import { afterAll } from '@jest/globals';
import { loadConfig } from '../../../src/config/index.ts';
import { type RunningServer, startServer } from '../../../src/server.ts';
import { samples } from '../../support/exposition.ts';
import { quietLogger } from '../../support/quiet-logger.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';

/** What rows about serving share: servers of tiny bundles in this process, stopped when the tests are over. */

export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  /** Parsed where it is JSON, else as it came. */
  readonly body: unknown;
}

export interface Served {
  readonly server: RunningServer;
  post(path: string, body: object, headers?: Readonly<Record<string, string>>): Promise<Answer>;
  get(path: string): Promise<Answer>;
  /** The value of a series of `/metrics`, as it is written there. */
  metric(series: string): Promise<number | undefined>;
}

export const long = (words: number): string =>
  Array.from({ length: words }, () => 'garden').join(' ');

const contentOf = (type: string | null, text: string): unknown =>
  type?.includes('json') ? JSON.parse(text) : text;

export function serving() {
  const { path, write } = temporaryFolder();
  const started: Promise<RunningServer>[] = [];
  afterAll(async () => {
    for (const server of await Promise.allSettled(started)) {
      if (server.status === 'fulfilled') await server.value.stop();
    }
  });

  const load = (...words: string[]) =>
    loadConfig({ overrides: ['server.port=0', 'server.host=127.0.0.1', ...words], env: {} }).config;

  /** Serves a bundle, or a folder of bundles, with some settings. */
  async function serve(bundle: string, ...words: string[]): Promise<Served> {
    const modelDir = join(path, bundle);
    const config = load('server.workers=1', ...words);
    const starting = startServer({ config, modelDir, logger: quietLogger });
    started.push(starting);
    const server = await starting;
    const ask = async (route: string, init?: RequestInit): Promise<Answer> => {
      const { status, headers, ...answer } = await fetch(server.url + route, {
        ...init,
        // An answer that no limit ends is a failure, soon.
        signal: AbortSignal.timeout(8_000),
      }).then(async (response) => ({
        status: response.status,
        headers: response.headers,
        text: await response.text(),
      }));
      return { status, headers, body: contentOf(headers.get('content-type'), answer.text) };
    };
    return {
      server,
      post: (route, body, headers = {}) =>
        ask(route, {
          method: 'POST',
          headers: { 'content-type': 'application/json', ...headers },
          body: JSON.stringify(body),
        }),
      get: (route) => ask(route),
      metric: async (series) => samples(String((await ask('/metrics')).body)).get(series),
    };
  }
  return { path, write, load, serve, at: (...names: string[]) => join(path, ...names) };
}
