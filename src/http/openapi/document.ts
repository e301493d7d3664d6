import { packageVersion } from '../../package-root.ts';
import type { Route } from '../route.ts';
import type { Examples, Operation, Parameter, RequestBody, Schema } from './operation.ts';

/** A document that names a schema by a JSON pointer. */
export interface OpenApiDocument {
  readonly openapi: '3.1.0';
  readonly info: Readonly<Record<string, unknown>>;
  readonly paths: Readonly<Record<string, Readonly<Record<string, OperationObject>>>>;
  readonly components: { readonly schemas: Readonly<Record<string, Schema>> };
  readonly tags: readonly { readonly name: string; readonly description: string }[];
}

export interface OperationObject extends Pick<Operation, 'operationId' | 'summary' | 'responses'> {
  readonly tags: readonly string[];
  readonly description?: string;
  readonly parameters?: readonly Parameter[];
  readonly requestBody?: {
    readonly required: true;
    readonly description: string;
    readonly content: Readonly<
      Record<string, { readonly schema: Schema; readonly examples?: Examples }>
    >;
  };
}

const tags = [
  { name: 'predictions', description: 'What the model says of a text.' },
  { name: 'open inference protocol', description: 'Version 2, as KServe and Triton speak it.' },
  { name: 'service', description: 'Health, metrics, and what is served.' },
] as const satisfies readonly { name: Operation['tag']; description: string }[];

const description = `Errors are \`application/problem+json\` (RFC 9457) with a stable \`code\`; under /v2 they are \`{"error": "…"}\`.
Where the server has API keys, POST routes take one as \`Authorization: Bearer …\`.
No route takes parameters in its query: any is 400, and so is an unknown member of a body.
Unknown paths are 404, other methods 405 with Allow, headers over 16 KiB 431, and bodies that do not arrive in a minute 408.
Every GET route answers HEAD too. Every answer has an \`x-request-id\`: the request's own where it sent one of up to 128 letters, digits, \`_\`, \`.\` and \`-\`.`;

/** The OpenAPI 3.1 document of all routes. */
export function openApiDocument(
  routes: readonly Route[],
  schemas: Readonly<Record<string, Schema>>,
): OpenApiDocument {
  const paths: Record<string, Record<string, OperationObject>> = {};
  for (const { path, method, operation } of routes) {
    paths[path] = { ...paths[path], [method.toLowerCase()]: operationObject(operation) };
  }
  return {
    openapi: '3.1.0',
    info: {
      title: 'mbti-onnx',
      version: packageVersion,
      description,
      license: { name: 'MIT', identifier: 'MIT' },
    },
    tags,
    paths,
    components: { schemas },
  };
}

function operationObject({ tag, body, ...rest }: Operation): OperationObject {
  return { ...rest, tags: [tag], ...(body ? { requestBody: requestBodyObject(body) } : {}) };
}

function requestBodyObject(body: RequestBody): NonNullable<OperationObject['requestBody']> {
  const { description, schema, examples, otherMediaTypes = {} } = body;
  const others = Object.entries(otherMediaTypes).map(([type, schema]) => [type, { schema }]);
  return {
    required: true,
    description,
    content: { 'application/json': { schema, examples }, ...Object.fromEntries(others) },
  };
}
