import { cloneGraph } from '../../onnx/clone.ts';
import type { Graph, Node } from '../../onnx/graph.ts';
import { intTensor } from '../../onnx/tensor.ts';

/** The operator set from which on reductions take their axes as an input. */
const AXES_AS_INPUT = 18;

/** Reductions whose axes were an attribute before; ReduceSum's are an input since opset 13. */
const reductions = new Set(
  'ReduceL1 ReduceL2 ReduceLogSum ReduceLogSumExp ReduceMax ReduceMean ReduceMin ReduceProd ReduceSumSquare'.split(
    ' ',
  ),
);

/** The graph as one of a newer operator set: itself, or a copy whose reductions take their axes as an input. */
export function withAxesAsInput(graph: Graph, opset: number): Graph {
  if (graph.opset >= AXES_AS_INPUT || opset < AXES_AS_INPUT) return graph;
  const copy = cloneGraph(graph);
  raise(copy);
  return copy;
}

function raise(graph: Graph): void {
  for (const node of graph.nodes) {
    if (node.domain === '' && reductions.has(node.op)) raiseNode(node);
    for (const attribute of node.attributes.values()) {
      if (attribute.kind === 'graph') raise(attribute.value);
    }
  }
}

function raiseNode(node: Node): void {
  const axes = node.ints('axes');
  node.attributes.delete('axes');
  if (axes === undefined) return;
  const { graph } = node;
  const name = graph.freshName(`${node.outputs[0]?.name ?? node.op}_axes`);
  node.setInput(1, graph.addInitializer(name, intTensor([axes.length], axes)));
}
