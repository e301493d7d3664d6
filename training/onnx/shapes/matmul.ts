import type { Dim, Shape } from '../dim.ts';
import { formatShape } from '../dim.ts';
import type { Node } from '../graph.ts';
import type { DataType } from '../tensor.ts';
import { broadcastShapes } from './broadcast.ts';
import { invalid, type Rule, type RuleTable, shapeAt, typeAt } from './rule.ts';

const swapLast = (shape: Shape): Shape => {
  const [b, a] = [shape.at(-1), shape.at(-2)];
  return a === undefined || b === undefined ? shape : [...shape.slice(0, -2), b, a];
};

/** numpy's matmul: vectors count as a row (left) or a column (right), leading axes broadcast. */
export function matMulShape(
  node: Node,
  a: Shape | undefined,
  b: Shape | undefined,
): Shape | undefined {
  if (a === undefined || b === undefined) return undefined;
  if (a.length === 0 || b.length === 0) throw invalid(node, 'a scalar cannot be multiplied');
  const inner = [a.at(-1), b.length === 1 ? b[0] : b.at(-2)];
  if (inner.every((dim) => typeof dim === 'number') && inner[0] !== inner[1]) {
    throw invalid(node, `${formatShape(a)} and ${formatShape(b)} cannot be multiplied`);
  }
  const batch = broadcastShapes(node, [a.slice(0, -2), b.slice(0, -2)]) ?? [];
  const rows: Dim[] = a.length === 1 ? [] : [a.at(-2) ?? 1];
  const columns: Dim[] = b.length === 1 ? [] : [b.at(-1) ?? 1];
  return [...batch, ...rows, ...columns];
}

export const matMulTo =
  (typeOf: (node: Node) => DataType | undefined, right = 1): Rule =>
  (node) => [
    { type: typeOf(node), shape: matMulShape(node, shapeAt(node, 0), shapeAt(node, right)) },
  ];

/** The first axis behind the batch axes: [rows, batch…, columns] → [batch…, rows, columns]. */
const rowsBehindBatch = ([rows, ...rest]: Shape): Shape =>
  rows === undefined ? [] : [...rest.slice(0, -1), rows, ...rest.slice(-1)];

/** MatMul with axes of its operands exchanged first (com.microsoft). */
export const fusedMatMul: Rule = (node) => {
  const operand = (index: number, side: 'A' | 'B'): Shape | undefined => {
    const shape = shapeAt(node, index);
    const inOrder = shape && node.int(`transBatch${side}`) ? rowsBehindBatch(shape) : shape;
    return inOrder && node.int(`trans${side}`) ? swapLast(inOrder) : inOrder;
  };
  return [{ type: typeAt(node, 0), shape: matMulShape(node, operand(0, 'A'), operand(1, 'B')) }];
};

const gemm: Rule = (node, infer) => {
  const [a, b] = [shapeAt(node, 0), shapeAt(node, 1)];
  if ((a && a.length !== 2) || (b && b.length !== 2))
    throw invalid(node, 'its operands must be matrices');
  return fusedMatMul(node, infer);
};

export const matMulRules: RuleTable = {
  MatMul: matMulTo((node) => typeAt(node, 0)),
  Gemm: gemm,
};
