import type { Request } from 'express';
import { AppError } from '../../errors.ts';
import { shown } from '../../files/index.ts';
import { unknownModel } from '../../models/index.ts';
import type { AppDeps } from '../deps.ts';
import { modelsOf, versionsOf } from '../models.ts';
import { type Parameter, ref, type Schema } from '../openapi/operation.ts';

/** A model's path of the Open Inference Protocol, and the same with its version. */
export function modelPaths(tail: string): string[] {
  return [`/v2/models/{model}${tail}`, `/v2/models/{model}/versions/{version}${tail}`];
}

/** What differs between a route of the default model and the same one of a model that its path names. */
export function namedIn(path: string): {
  readonly isNamed: boolean;
  /** The component of this name, or what it is for any model of the server. */
  readonly schema: (name: string) => Schema;
  readonly codes: readonly 'not_found'[];
} {
  const isNamed = path.includes('{model}');
  return {
    isNamed,
    schema: (name) => ref(isNamed ? `Any${name}` : name),
    codes: isNamed ? ['not_found'] : [],
  };
}

/** The parameters of a path with these in braces. */
export function pathParameters(deps: AppDeps, path: string): Parameter[] {
  const models = modelsOf(deps).map(({ model }) => model);
  const all: Parameter[] = [
    pathParameter('model', 'The name of a model', namesOf(models)),
    pathParameter('version', 'A version of it', [...new Set(models.map((one) => one.version))]),
  ];
  return all.filter(({ name }) => path.includes(`{${name}}`));
}

/** AppError `not_found` where the path names a model or version that the app does not serve. */
export function checkModel(deps: AppDeps, { params }: Request): void {
  const { model } = deps;
  const { model: name, version } = params;
  if (name !== undefined && name !== model.name) {
    throw unknownModel(String(name), namesOf(modelsOf(deps).map((one) => one.model)));
  }
  if (version === undefined || version === model.version) return;
  const versions = versionsOf(deps, model.name).map(shown).join(' or ');
  throw new AppError(
    'not_found',
    `${model.name} has no version ${shown(String(version))}: expected ${versions}`,
  );
}

function namesOf(models: readonly { readonly name: string }[]): string[] {
  return [...new Set(models.map(({ name }) => name))];
}

function pathParameter(name: string, description: string, values: readonly string[]): Parameter {
  return {
    name,
    in: 'path',
    required: true,
    description,
    schema: { type: 'string', enum: values },
  };
}
