import { Ajv2020, type ErrorObject, type ValidateFunction } from 'ajv/dist/2020.js';
import { AppError } from '../../errors.ts';
import { shown } from '../../files/index.ts';
import type { Task } from '../../task/index.ts';
import { cleanText } from '../../text/index.ts';
import { tooShort } from '../body/text-list.ts';
import type { Route } from '../route.ts';
import type { OpenApiDocument } from './document.ts';

/** Throws AppError `invalid_request` or `text_too_short` for a value that does not match a route's schema. */
export type BodyCheck = (body: unknown) => void;

const DOCUMENT = 'openapi.json';

type Compile = (pointer: string) => ValidateFunction;

/** The last document's: that of the next bundle in its place is most often the same, and compiling takes tens of milliseconds. */
let last: { readonly document: string; readonly compile: Compile } | undefined;

function compilerOf(document: OpenApiDocument): Compile {
  const written = JSON.stringify(document);
  if (last?.document !== written) last = { document: written, compile: newCompiler(document) };
  return last.compile;
}

function newCompiler(document: OpenApiDocument): Compile {
  const ajv = new Ajv2020({
    strict: true,
    strictTypes: false,
    strictRequired: false,
    verbose: true,
    // The tests hold the document to the meta-schema; compiling that would make each start slower.
    validateSchema: false,
  });
  // The document around its schemas: ajv need not know what these mean.
  ajv.addVocabulary(Object.keys(document));
  ajv.addSchema(document, DOCUMENT, false, false);
  const compiled = new Map<string, ValidateFunction>();
  return (pointer) => {
    const validate =
      compiled.get(pointer) ?? ajv.compile({ $ref: `${DOCUMENT}#${encodeURI(pointer)}` });
    compiled.set(pointer, validate);
    return validate;
  };
}

/** Compiles checks from the very schemas that the document publishes: one for each route with a body. */
export function bodyChecks(document: OpenApiDocument, task: Task): (route: Route) => BodyCheck {
  const compile = compilerOf(document);
  return ({ path, method, operation }) => {
    if (!operation.body) return () => {};
    const pointer = `/paths/${escapePointer(path)}/${method.toLowerCase()}/requestBody/content/application~1json/schema`;
    const validate = compile(pointer);
    const [first] = Object.values(operation.body.examples);
    const example = JSON.stringify(first?.value);
    return (body) => {
      if (validate(body)) return;
      // Errors of alternatives come before the one that says that none of them holds.
      const error = validate.errors?.at(-1);
      if (error?.keyword !== 'pattern')
        throw new AppError('invalid_request', messageOf(error, example));
      // The only pattern is that of texts.
      throw tooShort(
        cleanText(String(error.data), task.cleaning),
        task,
        nameOf(error.instancePath),
      );
    };
  };
}

/** What is wrong by the schema's keyword that says so; `name` is where. */
const messages: Readonly<Record<string, (name: string, error: ErrorObject) => string>> = {
  type: (name, { data, params }) =>
    `${name} is ${kindOf(data)}: expected ${kindNames(params.type)}`,
  additionalProperties: (name, { params, parentSchema }) =>
    `${name} has an unknown property: ${shown(params.additionalProperty)}; expected ${Object.keys(parentSchema?.properties ?? {}).join(' or ')}`,
  required: (name, { params }) => `${name} has no ${params.missingProperty}`,
  minItems: (name, { data, params }) =>
    `${name} has ${lengthOf(data)} elements: expected at least ${params.limit}`,
  maxItems: (name, { data, params }) =>
    `${name} has ${lengthOf(data)} elements: expected ${params.limit} at most`,
  minimum: (name, { params }) => `${name} is under ${params.limit}`,
  maximum: (name, { params }) => `${name} is over ${params.limit}`,
  const: (name, { data, params }) =>
    `${name} is ${scalarShown(data)}: expected ${JSON.stringify(params.allowedValue)}`,
  enum: (name, { data, params }) =>
    `${name} is ${scalarShown(data)}: expected ${params.allowedValues.map((v: unknown) => JSON.stringify(v)).join(' or ')}`,
  // ajv looks at alternatives before it looks at the type.
  oneOf: (name, { data, schema, params }) =>
    kindOf(data) !== kinds.object
      ? `${name} is ${kindOf(data)}: expected ${kinds.object}`
      : params.passingSchemas
        ? `${name} has both ${alternatives(schema).join(' and ')}: expected one`
        : `${name} has neither ${alternatives(schema).join(' nor ')}: expected one`,
};

function messageOf(error: ErrorObject | undefined, example: string): string {
  if (!error) return 'the body does not match its schema';
  const name = nameOf(error.instancePath);
  const message = messages[error.keyword]?.(name, error) ?? `${name} ${error.message}`;
  return error.instancePath === '' ? `${message}, such as ${example}` : message;
}

/** `/inputs/0/shape` as `inputs[0].shape`. */
function nameOf(instancePath: string): string {
  if (instancePath === '') return 'the body';
  return instancePath
    .replace(/\/(\d+)(?=\/|$)/g, '[$1]')
    .replace(/^\//, '')
    .replaceAll('/', '.');
}

/** The properties of alternatives that each require one. */
function alternatives(schema: unknown): string[] {
  const all = Array.isArray(schema) ? schema : [];
  return all.map(({ required }: { readonly required?: readonly string[] }) => required?.[0] ?? '');
}

const kinds: Readonly<Record<string, string>> = {
  object: 'an object',
  array: 'a list',
  string: 'a string',
  integer: 'a whole number',
  number: 'a number',
  boolean: 'true or false',
};

function kindNames(types: string | readonly string[]): string {
  return [types]
    .flat()
    .filter((type) => type !== 'null')
    .map((type) => kinds[String(type)] ?? String(type))
    .join(' or ');
}

function kindOf(value: unknown): string {
  if (value === null) return 'null';
  if (Array.isArray(value)) return 'a list';
  return typeof value === 'object' ? 'an object' : `a ${typeof value}`;
}

/** A scalar as it is, anything else by its kind. */
function scalarShown(value: unknown): string {
  if (typeof value === 'string') return shown(value);
  return typeof value === 'object' ? kindOf(value) : String(value);
}

function lengthOf(value: unknown): number {
  return Array.isArray(value) ? value.length : 0;
}

function escapePointer(key: string): string {
  return key.replaceAll('~', '~0').replaceAll('/', '~1');
}
