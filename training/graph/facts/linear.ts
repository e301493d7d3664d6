import type { Node, Use, Value } from '../../onnx/graph.ts';
import { behind } from '../../onnx/walk.ts';
import { passes } from './passing.ts';

/** x·W, perhaps + b. */
export interface Linear {
  /** The MatMul or Gemm. */
  readonly node: Node;
  readonly input: Value;
  readonly weight: Value;
}

/** Operators that change a value's form, not its elements. */
const isTransparent = passes('type', 'form', 'dropped');

/** So many values are looked at behind one. */
const MOST_READERS = 256;

/** The value that one is made from without a change of its elements. */
export function sourceOf(value: Value | undefined): Value | undefined {
  return value && behind(value, isTransparent);
}

/**
 * The readers of a value, also behind operators that pass it on: changes of form, guards by Where.
 */
export function readersThrough(value: Value): Use[] {
  const found: Use[] = [];
  const open = [value];
  const seen = new Set(open);
  for (let at = open.pop(); at; at = open.pop()) {
    for (const use of at.uses) {
      const { node, index } = use;
      const passes = node.op === 'Where' ? index > 0 : isTransparent(node) && index === 0;
      const [output] = node.outputs;
      if (!passes || !output) found.push(use);
      else if (seen.size < MOST_READERS && !seen.has(output)) {
        seen.add(output);
        open.push(output);
      }
    }
  }
  return found;
}

/** The linear layer whose result a value is. */
export function linearOf(value: Value | undefined): Linear | undefined {
  const node = sourceOf(value)?.producer;
  if (node?.op === 'Add') return linearOfSum(node);
  return node && productOf(node);
}

/** A product and its bias, in either order. */
function linearOfSum({ inputs: [a, b] }: Node): Linear | undefined {
  const product = isVector(b) ? a : isVector(a) ? b : undefined;
  const node = sourceOf(product)?.producer;
  return node && productOf(node);
}

function productOf(node: Node): Linear | undefined {
  const [input, other] = node.inputs;
  if ((node.op !== 'MatMul' && node.op !== 'Gemm') || input === undefined) return undefined;
  const weight = weightOf(other);
  return weight && { node, input, weight };
}

/** The matrix that a value always is, perhaps transposed. */
function weightOf(value: Value | undefined): Value | undefined {
  const source = value && behind(value, passes('type', 'form', 'dropped', 'order'));
  return source?.initializer?.dims.length === 2 ? source : undefined;
}

export const isVector = (value: Value | undefined): boolean =>
  sourceOf(value)?.initializer?.dims.length === 1;
