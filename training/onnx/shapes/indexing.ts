import { addDims, type Dim, type Shape, subtractDims } from '../dim.ts';
import type { Node } from '../graph.ts';
import { type Content, isAtLeast } from './content.ts';
import {
  attributeOrInput,
  contentAt,
  filledShape,
  type Inferred,
  invalid,
  normaliseAxis,
  opaqueDim,
  opaqueShape,
  type Rule,
  type RuleTable,
  shapeAt,
  typeAt,
} from './rule.ts';

const gather: Rule = (node) => {
  const [data, indices, type] = [shapeAt(node, 0), shapeAt(node, 1), typeAt(node, 0)];
  if (data === undefined || indices === undefined) return [{ type }];
  const axis = normaliseAxis(node, node.int('axis') ?? 0, data.length);
  const shape = [...data.slice(0, axis), ...indices, ...data.slice(axis + 1)];
  return [{ type, shape, content: data.length === 1 ? gathered(node) : undefined }];
};

function gathered(node: Node): Content | undefined {
  const [elements, indices] = [contentAt(node, 0), contentAt(node, 1)];
  if (elements === undefined || indices === undefined) return undefined;
  return indices.map((index) => {
    if (typeof index !== 'number') return undefined;
    const at = normaliseAxis(node, index, elements.length);
    return elements[at];
  });
}

const gatherND: Rule = (node) => {
  const [data, indices, type] = [shapeAt(node, 0), shapeAt(node, 1), typeAt(node, 0)];
  const depth = indices?.at(-1);
  if (data === undefined || indices === undefined || typeof depth !== 'number') return [{ type }];
  const batch = node.int('batch_dims') ?? 0;
  return [{ type, shape: [...indices.slice(0, -1), ...data.slice(batch + depth)] }];
};

/** Slice's start, end and step along one axis; undefined where an input is not known. */
interface Range {
  readonly start: Dim | undefined;
  readonly end: Dim | undefined;
  readonly step: number | undefined;
}

/** "To the end" is written as a number that no axis reaches. */
const huge = 2 ** 31 - 1;

/**
 * A bound counted from the front, not clamped yet; undefined where its sign depends on the symbols.
 */
function fromFront(bound: Dim, dim: Dim): Dim | undefined {
  if (typeof bound !== 'number') return isAtLeast(bound, 0) ? bound : undefined;
  if (bound >= huge) return dim;
  return bound >= 0 ? bound : bound <= -huge ? 0 : addDims(dim, bound);
}

/**
 * Length of dim[start:end] with step 1. A symbolic end on an axis of known length is taken to lie
 * inside it: `position_ids[:, :sequence]` has `sequence` columns, or the model cannot run.
 */
function sliceLength(dim: Dim, start: Dim, end: Dim): Dim | undefined {
  const first = fromFront(start, dim);
  const last = fromFront(end, dim);
  if (first === undefined || last === undefined) return undefined;
  const from = clampedBelow(first);
  const inside = typeof dim === 'number' && typeof last !== 'number';
  const to =
    inside || isAtLeast(dim, last) ? clampedBelow(last) : isAtLeast(last, dim) ? dim : undefined;
  if (from === undefined || to === undefined) return undefined;
  if (isAtLeast(to, from)) return subtractDims(to, from);
  return isAtLeast(from, to) ? 0 : undefined;
}

const clampedBelow = (dim: Dim): Dim | undefined =>
  isAtLeast(dim, 0) ? dim : isAtLeast(0, dim) ? 0 : undefined;

/** First index, count and step of a slice of an axis of known length. */
function sliceOfNumber(length: number, start: number, end: number, step: number) {
  const clamp = (bound: number, low: number, high: number) =>
    Math.min(Math.max(bound < 0 ? bound + length : bound, low), high);
  const first = step > 0 ? clamp(start, 0, length) : clamp(start, 0, length - 1);
  const last = step > 0 ? clamp(end, 0, length) : clamp(end, -1, length - 1);
  return { first, count: Math.max(0, Math.ceil((last - first) / step)) };
}

function slicedDim(dim: Dim, { start, end, step }: Range): Dim | undefined {
  if (start === undefined || end === undefined || step === undefined) return undefined;
  if (typeof dim === 'number' && typeof start === 'number' && typeof end === 'number') {
    return sliceOfNumber(dim, start, end, step).count;
  }
  if (step === 1) return sliceLength(dim, start, end);
  if (typeof start !== 'number' || typeof end !== 'number') return undefined;
  const whole = step === -1 && (start === -1 || start >= huge) && end <= -huge;
  return whole ? dim : undefined;
}

/** The ranges by axis; undefined where the axes are computed and not known. */
function sliceRanges(node: Node, rank: number): Map<number, Range> | undefined {
  const starts = node.ints('starts') ?? contentAt(node, 1);
  const ends = node.ints('ends') ?? contentAt(node, 2);
  const axes = attributeOrInput(node, 'axes', 3);
  if (axes === undefined) return undefined;
  const count = starts?.length ?? ends?.length ?? rank;
  const list = axes === 'absent' ? Array.from({ length: count }, (_, i) => i) : axes;
  const steps = contentAt(node, 4);
  return new Map(
    list.map((axis, i) => {
      const step = node.inputs[4] === undefined ? 1 : steps?.[i];
      const range = {
        start: starts?.[i],
        end: ends?.[i],
        step: typeof step === 'number' ? step : undefined,
      };
      return [normaliseAxis(node, axis, rank), range];
    }),
  );
}

const slice: Rule = (node) => {
  const [data, type] = [shapeAt(node, 0), typeAt(node, 0)];
  if (data === undefined) return [{ type }];
  const ranges = sliceRanges(node, data.length);
  if (ranges === undefined) return [{ type, shape: opaqueShape(node, 0, data.length) }];
  if ([...ranges.values()].some((range) => range.step === 0)) throw invalid(node, 'a step is 0');
  const dims = data.map((dim, axis) => {
    const range = ranges.get(axis);
    return range ? slicedDim(dim, range) : dim;
  });
  const range = ranges.get(0);
  const elements = data.length === 1 ? contentAt(node, 0) : undefined;
  return [
    {
      type,
      shape: filledShape(node, dims),
      content: range ? slicedContent(elements, range) : elements,
    },
  ];
};

function slicedContent(
  elements: Content | undefined,
  { start, end, step }: Range,
): Content | undefined {
  if (elements === undefined || step === undefined) return undefined;
  if (typeof start !== 'number' || typeof end !== 'number') return undefined;
  const { first, count } = sliceOfNumber(elements.length, start, end, step);
  return Array.from({ length: count }, (_, i) => elements[first + i * step]);
}

const topK: Rule = (node) => {
  const data = shapeAt(node, 0);
  const k = node.int('k') ?? contentAt(node, 1)?.[0];
  const shape = (output: number): Shape | undefined => {
    if (data === undefined) return undefined;
    const axis = normaliseAxis(node, node.int('axis') ?? -1, data.length);
    return data.map((dim, i) => (i === axis ? (k ?? opaqueDim(node.outputs[output], i)) : dim));
  };
  return [
    { type: typeAt(node, 0), shape: shape(0) },
    { type: 'int64', shape: shape(1) },
  ];
};

const argument: Rule = (node) => {
  const data = shapeAt(node, 0);
  if (data === undefined) return [{ type: 'int64' }];
  const axis = normaliseAxis(node, node.int('axis') ?? 0, data.length);
  const keep = (node.int('keepdims') ?? 1) !== 0;
  const shape = data.flatMap((dim, i) => (i !== axis ? [dim] : keep ? [1] : []));
  return [{ type: 'int64', shape }];
};

const oneHot: Rule = (node) => {
  const [indices, type] = [shapeAt(node, 0), typeAt(node, 2)];
  if (indices === undefined) return [{ type }];
  const rank = indices.length + 1;
  const axis = normaliseAxis(node, node.int('axis') ?? -1, rank);
  const shape: Dim[] = [...indices];
  shape.splice(axis, 0, contentAt(node, 1)?.[0] ?? opaqueDim(node.outputs[0], axis));
  return [{ type, shape }];
};

const nonZero: Rule = (node): Inferred[] => {
  const rank = shapeAt(node, 0)?.length;
  // A scalar counts as a tensor of one element here.
  const rows = rank === undefined ? undefined : Math.max(rank, 1);
  return [{ type: 'int64', shape: filledShape(node, [rows, undefined]) }];
};

const compress: Rule = (node) => {
  const axis = node.int('axis');
  const data = shapeAt(node, 0);
  const type = typeAt(node, 0);
  if (axis === undefined) return [{ type, shape: opaqueShape(node, 0, 1) }];
  if (data === undefined) return [{ type }];
  const at = normaliseAxis(node, axis, data.length);
  return [
    {
      type,
      shape: filledShape(
        node,
        data.map((dim, i) => (i === at ? undefined : dim)),
      ),
    },
  ];
};

export const indexingRules: RuleTable = {
  Gather: gather,
  GatherElements: (node) => [{ type: typeAt(node, 0), shape: shapeAt(node, 1) }],
  GatherND: gatherND,
  Slice: slice,
  TopK: topK,
  ArgMax: argument,
  ArgMin: argument,
  OneHot: oneHot,
  NonZero: nonZero,
  Compress: compress,
};
