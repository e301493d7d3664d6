/** A JSON Schema (draft 2020-12), as OpenAPI 3.1 has them. */
export type Schema = Readonly<Record<string, unknown>>;

/** What is sent, or what comes back. */
export interface Example {
  readonly summary: string;
  readonly value: unknown;
}

/** A request example and the answer it gets: `answers` has the same names. */
export type Examples = Readonly<Record<string, Example>>;

export interface Parameter {
  readonly name: string;
  readonly in: 'path' | 'header';
  readonly description: string;
  readonly required?: boolean;
  readonly schema: Schema;
}

export interface RequestBody {
  readonly description: string;
  readonly schema: Schema;
  readonly examples: Examples;
  /** Sent beside JSON: content types that no schema describes. */
  readonly otherMediaTypes?: Readonly<Record<string, Schema>>;
  /** False where a request without a content type is read as JSON. */
  readonly typeRequired?: boolean;
}

export interface ResponseDoc {
  readonly description: string;
  readonly content?: Readonly<
    Record<string, { readonly schema: Schema; readonly examples?: Examples }>
  >;
  readonly headers?: Readonly<
    Record<string, { readonly description: string; readonly schema: Schema }>
  >;
}

/** All that the document says of one method of one path. */
export interface Operation {
  readonly operationId: string;
  readonly tag: 'predictions' | 'service' | 'open inference protocol';
  readonly summary: string;
  readonly description?: string;
  readonly parameters?: readonly Parameter[];
  readonly body?: RequestBody;
  /** By status: these are also the labels that stand in the metrics from the first scrape. */
  readonly responses: Readonly<Record<number, ResponseDoc>>;
}

/** A reference to a schema among the document's components. */
export function ref(name: string): Schema {
  return { $ref: `#/components/schemas/${name}` };
}

/** An object with all of these properties and no other. */
export function exactly(
  properties: Readonly<Record<string, Schema>>,
  optional: Readonly<Record<string, Schema>> = {},
): Schema {
  return {
    type: 'object',
    required: Object.keys(properties),
    additionalProperties: false,
    properties: { ...properties, ...optional },
  };
}

/** A JSON answer. */
export function json(description: string, schema: Schema, examples?: Examples): ResponseDoc {
  return {
    description,
    content: { 'application/json': examples ? { schema, examples } : { schema } },
  };
}
