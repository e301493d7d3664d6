import { constantInts, constantScalar } from '../../graph/facts/constants.ts';
import { type Shape, sameDim } from '../../onnx/dim.ts';
import type { Node, Value } from '../../onnx/graph.ts';

/**
 * A value that depends on nothing but one element of a graph input [batch, keys]: which of its axes run along the
 * batch and the keys, counted from the right, and what becomes of an element.
 */
export interface MaskExpression {
  readonly source: Value;
  readonly batch: number;
  readonly key: number;
  readonly of: (element: number) => number;
}

type Elementwise = (...operands: readonly number[]) => number;

const nan = Number.NaN;

/** Operators that exporters make masks with; truth is 1 and 0. */
const elementwise: Readonly<Record<string, Elementwise>> = {
  Add: (a = nan, b = nan) => a + b,
  Sub: (a = nan, b = nan) => a - b,
  Mul: (a = nan, b = nan) => a * b,
  Not: (a = nan) => Number(a === 0),
  And: (a = nan, b = nan) => Number(a !== 0 && b !== 0),
  Or: (a = nan, b = nan) => Number(a !== 0 || b !== 0),
  Equal: (a = nan, b = nan) => Number(a === b),
  Greater: (a = nan, b = nan) => Number(a > b),
  Less: (a = nan, b = nan) => Number(a < b),
  GreaterOrEqual: (a = nan, b = nan) => Number(a >= b),
  LessOrEqual: (a = nan, b = nan) => Number(a <= b),
  Where: (condition = nan, a = nan, b = nan) => (condition ? a : b),
};

type Layout = (node: Node, x: MaskExpression) => MaskExpression | undefined;

const BOOL = 9;

/** Operators that move elements, or repeat them along axes that are neither the batch nor the keys. */
const layouts: Readonly<Record<string, Layout>> = {
  Identity: (_, x) => x,
  Cast: (node, x) =>
    node.int('to') === BOOL ? { ...x, of: (element) => Number(x.of(element) !== 0) } : x,
  Expand: (_, x) => x,
  Unsqueeze: unsqueezed,
  Reshape: reshaped,
  Slice: sliced,
};

/** How a value comes from an attention mask; undefined where it does in another way or not at all. */
export function maskExpression(value: Value | undefined): MaskExpression | undefined {
  if (value === undefined) return undefined;
  const node = value.producer;
  if (node === undefined) {
    const isMask = value.shape?.length === 2 && value.type !== 'string' && !value.initializer;
    return isMask ? { source: value, batch: 1, key: 0, of: (element) => element } : undefined;
  }
  if (node.domain !== '') return undefined;
  const layout = Object.hasOwn(layouts, node.op) ? layouts[node.op] : undefined;
  if (layout === undefined) return combined(node);
  const from = maskExpression(node.inputs[0]);
  return from && layout(node, from);
}

/** An elementwise operator over masks of one form and over constants. */
function combined(node: Node): MaskExpression | undefined {
  const apply = Object.hasOwn(elementwise, node.op) ? elementwise[node.op] : undefined;
  if (apply === undefined) return undefined;
  const operands = node.inputs.map((input) => constantScalar(input) ?? maskExpression(input));
  const first = operands.find((operand) => typeof operand === 'object');
  if (first === undefined || operands.includes(undefined)) return undefined;
  const alike = operands.every(
    (operand) =>
      typeof operand !== 'object' ||
      (operand.source === first.source &&
        operand.batch === first.batch &&
        operand.key === first.key),
  );
  if (!alike) return undefined;
  const of = (element: number): number =>
    apply(...operands.map((x) => (typeof x === 'object' ? x.of(element) : (x ?? nan))));
  return { ...first, of };
}

function unsqueezed(node: Node, x: MaskExpression): MaskExpression | undefined {
  const rank = node.outputs[0]?.shape?.length;
  const given = node.ints('axes') ?? constantInts(node.inputs[1]);
  if (rank === undefined || given === undefined) return undefined;
  const added = new Set(given.map((axis) => (axis < 0 ? -axis - 1 : rank - 1 - axis)));
  // The n-th axis from the right of the input is the n-th that was not added.
  const kept = Array.from({ length: rank }, (_, i) => i).filter((i) => !added.has(i));
  const [batch, key] = [kept[x.batch], kept[x.key]];
  return batch === undefined || key === undefined ? undefined : { ...x, batch, key };
}

/** A Reshape that only adds or takes away axes of size 1. */
function reshaped(node: Node, x: MaskExpression): MaskExpression | undefined {
  const [from, to] = [node.inputs[0]?.shape, node.outputs[0]?.shape];
  if (from === undefined || to === undefined) return undefined;
  const real = (shape: Shape): number[] =>
    [...shape.keys()].map((i) => shape.length - 1 - i).filter((i) => shape.at(-1 - i) !== 1);
  const [before, after] = [real(from), real(to)];
  const same =
    before.length === after.length &&
    before.every((i, n) => {
      const [a, b] = [from.at(-1 - i), to.at(-1 - (after[n] ?? 0))];
      return a !== undefined && b !== undefined && sameDim(a, b);
    });
  const [batch, key] = [after[before.indexOf(x.batch)], after[before.indexOf(x.key)]];
  return !same || batch === undefined || key === undefined ? undefined : { ...x, batch, key };
}

/** A Slice of other axes: their rows are all alike. */
function sliced(node: Node, x: MaskExpression): MaskExpression | undefined {
  const rank = node.inputs[0]?.shape?.length;
  const axes = constantInts(node.inputs[3]);
  if (rank === undefined || axes === undefined) return undefined;
  const fromRight = axes.map((axis) => (axis < 0 ? -axis - 1 : rank - 1 - axis));
  return fromRight.includes(x.batch) || fromRight.includes(x.key) ? undefined : x;
}
