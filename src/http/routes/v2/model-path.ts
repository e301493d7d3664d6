import type { Request } from 'express';
import { AppError } from '../../../errors.ts';
import { shorten } from '../../body/strict-json.ts';
import type { AppDeps } from '../../deps.ts';
import type { Parameter } from '../../openapi/operation.ts';

type Served = Pick<AppDeps, 'model'>;

/** A model's path, and the same with its version. */
export function modelPaths(tail: string): string[] {
  return [`/v2/models/{model}${tail}`, `/v2/models/{model}/versions/{version}${tail}`];
}

/** The parameters of a path with these in braces. */
export function pathParameters({ model }: Served, path: string): Parameter[] {
  const all: Parameter[] = [
    pathParameter('model', 'The name of a model', model.name),
    pathParameter('version', 'A version of it', model.version),
  ];
  return all.filter(({ name }) => path.includes(`{${name}}`));
}

/** AppError `not_found` where the path names a model or version that is not served. */
export function checkModel({ model }: Served, { params }: Request): void {
  const { model: name, version } = params;
  if (name !== model.name) {
    throw notFound(`there is no model ${quote(name)}: this server has ${quote(model.name)}`);
  }
  if (version === undefined || version === model.version) return;
  throw notFound(
    `${model.name} has no version ${quote(version)}: expected ${quote(model.version)}`,
  );
}

function pathParameter(name: string, description: string, value: string): Parameter {
  return {
    name,
    in: 'path',
    required: true,
    description,
    schema: { type: 'string', enum: [value] },
  };
}

function quote(name: string | readonly string[] | undefined): string {
  return shorten(String(name));
}

function notFound(message: string): AppError {
  return new AppError('not_found', message);
}
