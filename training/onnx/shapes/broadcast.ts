import { type Dim, formatShape, type Shape, sameDim } from '../dim.ts';
import type { Node } from '../graph.ts';
import { invalid, opaqueDim } from './rule.ts';

/**
 * The dimension that two dimensions broadcast to; undefined where that depends on the symbols,
 * 'never' where they clash.
 */
export function broadcastDim(a: Dim, b: Dim): Dim | undefined | 'never' {
  if (sameDim(a, b) || b === 1) return a;
  if (a === 1) return b;
  if (typeof a === 'number') return typeof b === 'number' ? 'never' : a;
  return typeof b === 'number' ? b : undefined;
}

/**
 * The shape that several shapes broadcast to (numpy's rules). Two different symbols give an unknown
 * dimension, because either may be 1.
 */
export function broadcastShapes(
  node: Node,
  shapes: readonly (Shape | undefined)[],
  output = 0,
): Shape | undefined {
  if (!shapes.every((shape) => shape !== undefined)) return undefined;
  const rank = shapes.reduce((most, shape) => Math.max(most, shape.length), 0);
  return Array.from({ length: rank }, (_, axis) => {
    const dims = shapes.map((shape) => shape[axis - rank + shape.length] ?? 1);
    return broadcastAll(node, dims, shapes) ?? opaqueDim(node.outputs[output], axis);
  });
}

function broadcastAll(node: Node, dims: Shape, shapes: readonly Shape[]): Dim | undefined {
  const number = dims.find((dim) => typeof dim === 'number' && dim !== 1);
  let result: Dim | undefined = number ?? 1;
  for (const dim of dims) {
    const next: Dim | undefined | 'never' =
      result === undefined ? undefined : broadcastDim(result, dim);
    if (next === 'never') {
      throw invalid(node, `the shapes ${shapes.map(formatShape).join(' and ')} do not broadcast`);
    }
    result = next;
  }
  return result;
}
