import { multiplyDims } from '../dim.ts';
import type { Node } from '../graph.ts';
import { type Content, mapContents } from './content.ts';
import { sumOf } from './layout.ts';
import {
  attributeOrInput,
  contentAt,
  normaliseAxis,
  opaqueShape,
  type Rule,
  type RuleTable,
  shapeAt,
  typeAt,
} from './rule.ts';

/** Reduced elements of a rank-1 tensor of known content. */
type Fold = (content: Content) => Content[number];

const reduce =
  (fold?: Fold): Rule =>
  (node) => {
    const [data, type] = [shapeAt(node, 0), typeAt(node, 0)];
    const given = attributeOrInput(node, 'axes', 1);
    const keep = (node.int('keepdims') ?? 1) !== 0;
    if (data === undefined) return [{ type }];
    if (given === undefined) return [{ type, shape: unknownAxes(node, data.length, keep) }];
    const all = given === 'absent' || given.length === 0;
    if (all && node.int('noop_with_empty_axes') === 1) return [{ type, shape: data }];
    const axes = all
      ? data.map((_, i) => i)
      : given.map((axis) => normaliseAxis(node, axis, data.length));
    const shape = data.flatMap((dim, i) => (axes.includes(i) ? (keep ? [1] : []) : [dim]));
    const content = data.length === 1 && axes.length === 1 ? contentAt(node, 0) : undefined;
    const element = content && fold?.(content);
    return [{ type, shape, content: element === undefined ? undefined : [element] }];
  };

/**
 * The shape where the axes are computed: with keepdims the rank stays, else it falls by their
 * number.
 */
function unknownAxes(node: Node, rank: number, keep: boolean) {
  if (keep) return opaqueShape(node, 0, rank);
  const count = shapeAt(node, 1)?.[0];
  return typeof count === 'number' && count > 0 ? opaqueShape(node, 0, rank - count) : undefined;
}

const product: Fold = (content) =>
  content.reduce((result, dim) => mapContents([[result], [dim]], multiplyDims)?.[0], 1);

const numeric =
  (best: (...numbers: number[]) => number): Fold =>
  (content) =>
    content.length > 0 && content.every((dim) => typeof dim === 'number')
      ? best(...content)
      : undefined;

export const reduceRules: RuleTable = {
  ReduceSum: reduce(sumOf),
  ReduceProd: reduce(product),
  ReduceMax: reduce(numeric(Math.max)),
  ReduceMin: reduce(numeric(Math.min)),
  ReduceMean: reduce(),
  ReduceL1: reduce(),
  ReduceL2: reduce(),
  ReduceLogSum: reduce(),
  ReduceLogSumExp: reduce(),
  ReduceSumSquare: reduce(),
};
