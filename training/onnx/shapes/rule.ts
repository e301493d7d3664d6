import { AppError } from '../../../src/errors.ts';
import { onOneLine } from '../../../src/files/index.ts';
import { type Dim, type Shape, type SymbolicDim, symbolicDim } from '../dim.ts';
import type { Graph, Node, Value } from '../graph.ts';
import { limits } from '../limits.ts';
import type { DataType } from '../tensor.ts';
import { type Content, contentOf } from './content.ts';

/** What a rule tells about one output; whatever is unknown is left out. */
export interface Inferred {
  readonly type?: DataType | undefined;
  readonly shape?: Shape | undefined;
  readonly content?: Content | undefined;
}

/**
 * Derives a node's outputs from what is known of its inputs; rules of control flow infer the bodies
 * first.
 */
export type Rule = (
  node: Node,
  inferBody: (body: Graph) => void,
) => readonly (Inferred | undefined)[];
export type RuleTable = Readonly<Record<string, Rule>>;

export const typeAt = (node: Node, index: number): DataType | undefined => node.inputs[index]?.type;

export const shapeAt = (node: Node, index: number): Shape | undefined => node.inputs[index]?.shape;

/** The known elements of a small integer input. */
export function contentAt(node: Node, index: number): Content | undefined {
  const value = node.inputs[index];
  return value && contentOf(value);
}

/** The elements of a small integer input whose elements are all plain numbers. */
export function numbersAt(node: Node, index: number): readonly number[] | undefined {
  const content = contentAt(node, index);
  return content?.every((dim) => typeof dim === 'number') ? content : undefined;
}

/**
 * Axes (or the like) that are an attribute in old operator sets and an input in newer ones;
 * 'absent' where neither is there, undefined where they are computed and not known.
 */
export function attributeOrInput(
  node: Node,
  name: string,
  index: number,
): readonly number[] | 'absent' | undefined {
  const attribute = node.ints(name);
  if (attribute !== undefined) return attribute;
  return node.inputs[index] === undefined ? 'absent' : numbersAt(node, index);
}

export const invalid = (node: Node, problem: string): AppError =>
  new AppError('model_invalid', onOneLine(`${node}: ${problem}`));

/** AppError `model_invalid` for a rank that no tensor has. */
export function requireRank(node: Node, rank: number): void {
  if (rank <= limits.axes) return;
  throw invalid(node, `its output would have ${rank} axes: at most ${limits.axes} are supported`);
}

/** An axis of a tensor of this rank, counted from the front. */
export function normaliseAxis(node: Node, axis: number, rank: number): number {
  const normalised = axis < 0 ? axis + rank : axis;
  if (normalised < 0 || normalised >= rank) {
    throw invalid(node, `axis ${axis} does not exist in a tensor of rank ${rank}`);
  }
  return normalised;
}

const identities = new WeakMap<Value, number>();
let lastIdentity = 0;

/**
 * A symbol of its own for a dimension that nothing is known of: one per value and axis, for good.
 */
export function opaqueDim(value: Value | undefined, axis: number): SymbolicDim {
  if (value === undefined) return symbolicDim(`?.${axis}`);
  let identity = identities.get(value);
  if (identity === undefined) {
    identity = ++lastIdentity;
    identities.set(value, identity);
  }
  return symbolicDim(`?${identity}.${axis}`);
}

export const isOpaque = (dim: Dim): boolean =>
  typeof dim !== 'number' && dim.terms.some((t) => t.symbols.some((s) => s.startsWith('?')));

/** A shape of known rank where nothing else is known. */
export function opaqueShape(node: Node, output: number, rank: number): Shape {
  requireRank(node, rank);
  return Array.from({ length: rank }, (_, axis) => opaqueDim(node.outputs[output], axis));
}

/** Known dimensions, and a symbol of its own for each unknown one. */
export const filledShape = (node: Node, dims: readonly (Dim | undefined)[], output = 0): Shape =>
  dims.map((dim, axis) => dim ?? opaqueDim(node.outputs[output], axis));
