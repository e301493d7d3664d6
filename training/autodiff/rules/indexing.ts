import { constantInts } from '../../graph/facts/constants.ts';
import type { GraphBuilder } from '../../onnx/builder.ts';
import { type Dim, productOf, subtractDims } from '../../onnx/dim.ts';
import type { Value } from '../../onnx/graph.ts';
import type { RuleContext, RuleTable } from '../rule.ts';

/** dY among zeros: `before[i]` and `after[i]` of them on axis i. Undefined where a count cannot be computed. */
function padWithZeros(
  c: RuleContext,
  dy: Value,
  before: readonly Dim[],
  after: readonly Dim[],
): Value | undefined {
  const pads = c.b.dims([...before, ...after]);
  return pads && c.b.op('Pad', [dy, pads, c.b.scalar(0, dy)]);
}

/**
 * Rows of dY added to the rows of a zero tensor that the indices name: an embedding's gradient. By
 * ScatterElements: the runtime's CPU kernel of ScatterND(reduction=add) works on rows in parallel and loses
 * updates where an index repeats.
 */
function gatherGradient(c: RuleContext): Value {
  const axis = c.axis(c.node.int('axis') ?? 0);
  const padded = singleIndexGradient(c, axis);
  if (padded !== undefined) return padded;
  const { b } = c;
  const count = c.rank(1);
  const rank = c.rank();
  const before = range(0, axis);
  // dY is [before, indices, after], the rows are [indices, before, after].
  const updates = permuted(b, c.dy, [
    ...range(axis, axis + count),
    ...before,
    ...range(axis + count, rank - 1 + count),
  ]);
  const zeros = permuted(b, b.zerosLike(c.x()), [axis, ...before, ...range(axis + 1, rank)]);
  const width = productOf(c.shape().filter((_, i) => i !== axis));
  const added = matrixOf(b, updates, width, count);
  const indices = b.expandLike(b.reshape(b.cast(c.x(1), 'int64'), [-1, 1]), added);
  const scatter = (onto: Value): Value =>
    b.op('ScatterElements', [onto, indices, added], { axis: 0, reduction: 'add' });
  // A table of vectors is a matrix as it is: a Reshape would copy the whole of its gradient.
  const summed =
    rank === 2 ? scatter(zeros) : b.reshapeLike(scatter(matrixOf(b, zeros, width, 1)), zeros);
  const back = [...range(1, axis + 1), 0, ...range(axis + 1, rank)];
  return permuted(b, summed, back);
}

/** x with its axes in this order; x itself where that is their order already. */
const permuted = (b: GraphBuilder, x: Value, perm: readonly number[]): Value =>
  perm.every((from, to) => from === to) ? x : b.transpose(x, perm);

/** x as [rows, width]; where the width is not known beforehand, its first `leading` axes are the rows. */
const matrixOf = (b: GraphBuilder, x: Value, width: Dim, leading: number): Value =>
  typeof width === 'number' ? b.reshape(x, [-1, width]) : b.op('Flatten', [x], { axis: leading });

const range = (from: number, to: number): number[] =>
  Array.from({ length: Math.max(0, to - from) }, (_, i) => from + i);

/** One constant index, such as the [CLS] row: dY between zeros. */
function singleIndexGradient(c: RuleContext, axis: number): Value | undefined {
  const indices = constantInts(c.node.inputs[1]);
  const [index] = indices ?? [];
  const size = c.shape()[axis];
  if (index === undefined || indices?.length !== 1 || c.rank(1) > 1 || size === undefined)
    return undefined;
  const begin = index < 0 ? subtractDims(size, -index) : index;
  const at = (dim: Dim): Dim[] => c.shape().map((_, i) => (i === axis ? dim : 0));
  const row = c.rank(1) === 0 ? c.b.unsqueeze(c.dy, [axis]) : c.dy;
  return padWithZeros(c, row, at(begin), at(subtractDims(subtractDims(size, begin), 1)));
}

function sliceGradient(c: RuleContext): Value {
  return contiguousSliceGradient(c) ?? anySliceGradient(c);
}

/** Steps of 1 from known starts: dY between zeros. */
function contiguousSliceGradient(c: RuleContext): Value | undefined {
  const starts = constantInts(c.node.inputs[1]);
  const steps = c.node.inputs[4] ? constantInts(c.node.inputs[4]) : [];
  const axes = c.node.inputs[3] ? constantInts(c.node.inputs[3]) : starts?.map((_, i) => i);
  const { shape } = c.y();
  if (!starts || !axes || !shape || !steps?.every((step) => step === 1)) return undefined;
  const before: Dim[] = c.shape().map(() => 0);
  const after: Dim[] = c.shape().map(() => 0);
  for (const [i, start] of starts.entries()) {
    const axis = c.axis(axes[i] ?? i);
    const size = c.shape()[axis];
    const length = shape[axis];
    const begin = size !== undefined && beginOf(start, size);
    if (size === undefined || length === undefined || begin === undefined || begin === false)
      return undefined;
    before[axis] = begin;
    after[axis] = subtractDims(subtractDims(size, begin), length);
  }
  return padWithZeros(c, c.dy, before, after);
}

/** Where a slice begins, clamped to the axis; undefined where that depends on a symbol. */
function beginOf(start: number, size: Dim): Dim | undefined {
  if (start === 0) return 0;
  if (typeof size !== 'number') return undefined;
  return Math.min(size, Math.max(0, start < 0 ? start + size : start));
}

/** Any steps, any starts: the same slice of the elements' numbers tells where each element of dY belongs. */
function anySliceGradient(c: RuleContext): Value {
  const { b } = c;
  const shape = b.shapeOf(c.x());
  const count = b.op('ReduceProd', [shape], { keepdims: 0 });
  const numbers = b.op('Range', [b.scalar(0, 'int64'), count, b.scalar(1, 'int64')]);
  return scatterByNumber(c, b.op('Slice', [b.reshape(numbers, shape), ...c.node.inputs.slice(1)]));
}

/** dY among zeros of the input's shape, each element at the place that its number says, counted through the whole input. */
export function scatterByNumber(
  c: RuleContext,
  numbers: Value,
  attributes: { readonly reduction?: 'add' } = {},
): Value {
  const { b } = c;
  const zeros = b.reshape(b.zerosLike(c.x()), [-1]);
  const flat = [b.reshape(numbers, [-1]), b.reshape(c.dy, [-1])];
  const all = b.op('ScatterElements', [zeros, ...flat], { axis: 0, ...attributes });
  return b.reshapeLike(all, c.x());
}

export const indexingRules: RuleTable = {
  Gather: { vjp: (c) => [() => gatherGradient(c)] },
  GatherElements: {
    vjp: (c) => [
      () => {
        const axis = c.node.int('axis') ?? 0;
        const attributes = { axis, reduction: 'add' };
        return c.b.op('ScatterElements', [c.b.zerosLike(c.x()), c.x(1), c.dy], attributes);
      },
    ],
  },
  Slice: { vjp: (c) => [() => sliceGradient(c)] },
};
