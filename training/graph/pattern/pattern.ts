import type { Node, Value } from '../../onnx/graph.ts';

/**
 * What a value has to be. Patterns are data: a table of them reads like the formulas that exporters write.
 * The same name at two places means the same value.
 */
export type Pattern =
  | { readonly kind: 'any'; readonly name: string; readonly holds: Holds | undefined }
  | {
      readonly kind: 'scalar';
      readonly name: string | undefined;
      readonly equals: number | undefined;
    }
  | { readonly kind: 'either'; readonly options: readonly Pattern[] }
  | OpPattern;

type Holds = (value: Value) => boolean;

export interface OpPattern extends OpOptions {
  readonly kind: 'op';
  readonly op: string;
  readonly inputs: readonly Pattern[];
}

export interface OpOptions {
  /** The name of the node's output in a match. */
  readonly as?: string;
  readonly domain?: string;
  /** What else the node has to fulfil: its attributes, the shapes around it. */
  readonly where?: (node: Node) => boolean;
  /** Whether nodes outside of the match may read the output too. */
  readonly shared?: boolean;
}

/** Any value. */
export const any = (name: string, holds?: Holds): Pattern => ({ kind: 'any', name, holds });

/** A parameter of one axis: a bias, or the weight of a normalisation. */
export const vector = (name: string): Pattern =>
  any(name, ({ initializer }) => initializer?.dims.length === 1);

/** A constant of one element, perhaps one that the graph computes from shapes and constants. */
export const scalar = (at: string | number): Pattern => ({
  kind: 'scalar',
  name: typeof at === 'string' ? at : undefined,
  equals: typeof at === 'number' ? at : undefined,
});

/** The first of several forms that matches. */
export const either = (...options: readonly Pattern[]): Pattern => ({ kind: 'either', options });

/** The first output of a node. Operands of Add and Mul may stand in either order. */
export const op = (name: string, inputs: readonly Pattern[], options: OpOptions = {}): Pattern => ({
  kind: 'op',
  op: name,
  inputs,
  ...options,
});
