import { nameShown } from '../../../src/files/index.ts';
import { type Dim, formatShape, type Shape, sameDim } from '../dim.ts';
import type { Node, Value } from '../graph.ts';
import { worthKeeping } from './content.ts';
import { type Inferred, invalid, isOpaque, opaqueDim, requireRank } from './rule.ts';

/** Adds what a rule found to what a value already has; the more precise of both wins. */
export function merge(node: Node, value: Value, inferred: Inferred): void {
  if (value.type !== undefined && inferred.type !== undefined && value.type !== inferred.type) {
    throw invalid(
      node,
      `${nameShown(value.name)} is declared as ${value.type} but is ${inferred.type}`,
    );
  }
  value.type = inferred.type ?? value.type;
  value.shape = mergedShape(node, value, possibleShape(node, value, inferred.shape));
  const content = worthKeeping(inferred.content);
  if (content !== undefined) value.content = content;
}

/** Sizes that no tensor can have say nothing: whoever runs the graph will refuse it. */
function possibleShape(node: Node, value: Value, shape: Shape | undefined): Shape | undefined {
  if (shape === undefined) return undefined;
  requireRank(node, shape.length);
  return shape.map((dim, axis) =>
    typeof dim === 'number' && !isSize(dim) ? opaqueDim(value, axis) : dim,
  );
}

const isSize = (dim: number): boolean => Number.isSafeInteger(dim) && dim >= 0;

function mergedShape(node: Node, value: Value, found: Shape | undefined): Shape | undefined {
  const declared = value.shape;
  if (declared === undefined || found === undefined) return found ?? declared;
  const clash = () => {
    const shapes = `declared as ${formatShape(declared)} but is ${formatShape(found)}`;
    return invalid(node, `${nameShown(value.name)} is ${shapes}`);
  };
  if (declared.length !== found.length) throw clash();
  return found.map((dim, axis) => {
    const other = declared[axis] ?? dim;
    if (typeof dim === 'number' && typeof other === 'number' && dim !== other) throw clash();
    return moreExact(dim, other);
  });
}

/**
 * A number before a named dimension before an unknown one; what was inferred before what was
 * declared.
 */
function moreExact(inferred: Dim, declared: Dim): Dim {
  if (sameDim(inferred, declared) || typeof inferred === 'number') return inferred;
  if (typeof declared === 'number') return declared;
  return isOpaque(inferred) ? declared : inferred;
}
