import { GraphBuilder } from '../../onnx/builder.ts';
import type { Graph } from '../../onnx/graph.ts';
import { floatTensor } from '../../onnx/tensor.ts';
import { constantScalar, isArithmetic } from '../facts/constants.ts';
import { passes } from '../facts/passing.ts';

const isCast = passes('type');

/**
 * Makes constants of single float32 numbers that follow from static dimensions, such as an attention's scale 1/√width,
 * which exporters leave as Shape, Cast, Sqrt and Div. What they were computed by is left to be pruned.
 */
export function foldScalars(graph: Graph): void {
  const b = new GraphBuilder(graph, 'folded');
  for (const node of graph.topologicalOrder()) {
    const [output] = node.outputs;
    const { type, shape } = output ?? {};
    if (!output || type !== 'float32' || shape?.some((dim) => dim !== 1) !== false) continue;
    const number = isArithmetic(node) || isCast(node) ? constantScalar(output) : undefined;
    if (number === undefined) continue;
    const dims = shape.map(() => 1);
    graph.replaceUses(output, b.constant(floatTensor(dims, Float32Array.of(number)), 'scalar'));
  }
}
