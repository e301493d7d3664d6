import type { Request, Response } from 'express';
import type { Scope } from '../security/index.ts';
import type { Operation } from './openapi/operation.ts';
import type { BodyCheck } from './openapi/validator.ts';

/** One method of one path. A GET route answers HEAD too. */
export interface Route {
  /** A part in braces is a parameter: `/v2/models/{model}`. */
  readonly path: string;
  readonly method: 'GET' | 'POST';
  readonly operation: Operation;
  /** Of the API key that it takes; null: none. By default POST takes `predict`, and GET none. */
  readonly scope?: Scope | null;
  /** `checkBody` is compiled from the schema that `operation` publishes. */
  readonly handler: (request: Request, response: Response, checkBody: BodyCheck) => unknown;
}

/** The `route` label of every path that is none of the routes'. */
export const UNMATCHED = 'unmatched';

/** What a route answers, by its document. */
export function statusesOf({ operation }: Route): number[] {
  return Object.keys(operation.responses).map(Number);
}

/** The methods of a path, as its Allow header lists them. */
export function allowedMethods(routes: readonly Route[], path: string): string[] {
  return routes
    .filter((route) => route.path === path)
    .flatMap(({ method }) => (method === 'GET' ? ['GET', 'HEAD'] : [method]));
}
