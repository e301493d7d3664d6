import { type Dim, productOf, sameDim } from '../../onnx/dim.ts';
import type { Node } from '../../onnx/graph.ts';
import { constantInts } from '../facts/constants.ts';

/**
 * What a node needs of its inputs when only one row of its output on an axis is wanted: for each input the
 * axis on which the same row of it is enough, or 'whole'. Undefined where the rows are not independent.
 */
export type Needs = readonly (number | 'whole')[];
export type RowRule = (node: Node, axis: number) => Needs | undefined;

const rankOf = (node: Node, i: number): number | undefined => node.inputs[i]?.shape?.length;
const fromFront = (axis: number, rank: number): number => (axis < 0 ? axis + rank : axis);

/** The same axis of input 0; everything else whole. */
const first: RowRule = (node, axis) => node.inputs.map((_, i) => (i === 0 ? axis : 'whole'));

/** Operands are aligned at the right; one that is repeated along the axis is needed whole. */
const broadcast: RowRule = (node, axis) => {
  const shape = node.outputs[0]?.shape;
  const wanted = shape?.[axis];
  if (shape === undefined || wanted === undefined) return undefined;
  const needs = node.inputs.map((input): number | 'whole' | undefined => {
    const own = input?.shape;
    if (own === undefined) return undefined;
    const at = axis - (shape.length - own.length);
    const dim = own[at];
    if (at < 0 || dim === undefined || dim === 1) return 'whole';
    return sameDim(dim, wanted) ? at : undefined;
  });
  return needs.every((need) => need !== undefined) ? needs : undefined;
};

/** Softmax and LayerNormalization work along their axis, or from it on. */
const along =
  (isFree: (axis: number, own: number) => boolean): RowRule =>
  (node, axis) => {
    const rank = rankOf(node, 0);
    if (rank === undefined) return undefined;
    return isFree(axis, fromFront(node.int('axis') ?? -1, rank)) ? first(node, axis) : undefined;
  };

const reduction: RowRule = (node, axis) => {
  const rank = rankOf(node, 0);
  const axes = node.ints('axes') ?? constantInts(node.inputs[1]);
  if (rank === undefined || axes === undefined || axes.length === 0) return undefined;
  if (node.int('keepdims') === 0) return undefined;
  return axes.some((own) => fromFront(own, rank) === axis) ? undefined : first(node, axis);
};

/** A row of the product needs that row of A; a column that column of B. */
const matMul: RowRule = (node, axis) => {
  const [a, b, y] = [rankOf(node, 0), rankOf(node, 1), node.outputs[0]?.shape?.length];
  if (a === undefined || b === undefined || y === undefined || a < 2 || b < 2) return undefined;
  if (axis === y - 2) return [a - 2, 'whole'];
  return axis === y - 1 ? ['whole', b - 1] : undefined;
};

const gemm: RowRule = (node, axis) => {
  if (axis !== 0) return undefined;
  const rows = node.inputs[2]?.shape;
  if (node.inputs[2] && (rows === undefined || (rows.length === 2 && rows[0] !== 1)))
    return undefined;
  const own = node.int('transA') === 1 ? 1 : 0;
  return node.inputs.map((_, i) => (i === 0 ? own : 'whole'));
};

const transpose: RowRule = (node, axis) => {
  const rank = rankOf(node, 0);
  if (rank === undefined) return undefined;
  return [node.ints('perm')?.[axis] ?? rank - 1 - axis];
};

/** An axis that the Reshape leaves as it is: the same size, with as many elements before it. */
const reshape: RowRule = (node, axis) => {
  const from = node.inputs[0]?.shape;
  const to = node.outputs[0]?.shape;
  const size = to?.[axis];
  if (from === undefined || to === undefined || size === undefined) return undefined;
  const before: Dim = productOf(to.slice(0, axis));
  const at = from.findIndex(
    (dim, i) => sameDim(dim, size) && sameDim(productOf(from.slice(0, i)), before),
  );
  const others = to.filter((dim, i) => i !== axis && typeof dim !== 'number');
  return at < 0 || others.length > 1 ? undefined : [at, 'whole'];
};

const concat: RowRule = (node, axis) => {
  const rank = rankOf(node, 0);
  const own = rank === undefined ? axis : fromFront(node.int('axis') ?? 0, rank);
  return own === axis ? undefined : node.inputs.map(() => axis);
};

const rowsOf = (operators: readonly string[], rule: RowRule): Record<string, RowRule> =>
  Object.fromEntries(operators.map((op) => [op, rule]));

/** By operator of the default domain. */
export const rowRules: Readonly<Record<string, RowRule>> = {
  ...rowsOf(['Abs', 'Cast', 'Clip', 'Cos', 'Dropout', 'Elu', 'Erf', 'Exp', 'Gelu'], first),
  ...rowsOf(['Identity', 'LeakyRelu', 'Log', 'Neg', 'Not', 'Reciprocal', 'Relu'], first),
  ...rowsOf(['Sigmoid', 'Sin', 'Softplus', 'Sqrt', 'Tanh'], first),
  ...rowsOf(['Add', 'Div', 'Max', 'Mean', 'Min', 'Mul', 'Pow', 'Sub', 'Sum', 'Where'], broadcast),
  ...rowsOf(['And', 'Equal', 'Greater', 'GreaterOrEqual', 'Less', 'LessOrEqual', 'Or'], broadcast),
  ...rowsOf(['ReduceMax', 'ReduceMean', 'ReduceMin', 'ReduceSum'], reduction),
  ...rowsOf(
    ['Softmax', 'LogSoftmax'],
    along((axis, own) => axis !== own),
  ),
  LayerNormalization: along((axis, own) => axis < own),
  Concat: concat,
  Gemm: gemm,
  MatMul: matMul,
  Reshape: reshape,
  Transpose: transpose,
};
