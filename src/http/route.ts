import type { RequestHandler } from 'express';
import type { Scope } from '../security/index.ts';

/** One method of one path. A GET route answers HEAD too. */
export interface Route {
  readonly path: string;
  readonly method: 'GET' | 'POST';
  /** What it answers: these combinations of labels stand in the metrics from the first scrape. */
  readonly statuses: readonly number[];
  /** Of the API key that it takes; null: none. By default POST takes `predict`, and GET none. */
  readonly scope?: Scope | null;
  readonly handler: RequestHandler;
}

/** The `route` label of every path that is none of the routes'. */
export const UNMATCHED = 'unmatched';

/** The methods of a path, as its Allow header lists them. */
export function allowedMethods(routes: readonly Route[], path: string): string[] {
  return routes
    .filter((route) => route.path === path)
    .flatMap(({ method }) => (method === 'GET' ? ['GET', 'HEAD'] : [method]));
}
