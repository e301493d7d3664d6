import type { Graph } from './graph.ts';
import type { Tensor } from './tensor.ts';

/** A node's attribute. Integers are numbers: what lies beyond 2^53 is clamped when written. */
export type Attribute =
  | { readonly kind: 'int'; readonly value: number }
  | { readonly kind: 'float'; readonly value: number }
  | { readonly kind: 'string'; readonly value: string }
  | { readonly kind: 'tensor'; readonly value: Tensor }
  | { readonly kind: 'graph'; readonly value: Graph }
  | { readonly kind: 'ints'; readonly value: readonly number[] }
  | { readonly kind: 'floats'; readonly value: readonly number[] }
  | { readonly kind: 'strings'; readonly value: readonly string[] }
  /** A kind that nothing here looks into (sparse tensors, types, lists of graphs): carried along as it was read. */
  | { readonly kind: 'other'; readonly value: unknown };

export const int = (value: number): Attribute => ({ kind: 'int', value });
export const float = (value: number): Attribute => ({ kind: 'float', value });
export const ints = (value: readonly number[]): Attribute => ({ kind: 'ints', value });
export const string = (value: string): Attribute => ({ kind: 'string', value });

/** What the builder accepts: a plain number is an int, a list of numbers is ints, text is a string. */
export type AttributeInit = Readonly<
  Record<string, number | readonly number[] | string | Attribute | undefined>
>;

export function attributesOf(init: AttributeInit): Map<string, Attribute> {
  const attributes = new Map<string, Attribute>();
  for (const [name, value] of Object.entries(init)) {
    if (value === undefined) continue;
    if (typeof value === 'number') attributes.set(name, int(value));
    else if (typeof value === 'string') attributes.set(name, string(value));
    else attributes.set(name, 'kind' in value ? value : ints(value));
  }
  return attributes;
}
