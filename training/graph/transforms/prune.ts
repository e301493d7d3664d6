import type { Graph, Node } from '../../onnx/graph.ts';

/** Removes the nodes that no output needs, and the initializers that nothing reads. Inputs stay. */
export function prune(graph: Graph): void {
  for (const node of graph.topologicalOrder().reverse()) {
    const needed = node.outputs.some(
      (output) => output && (output.uses.size > 0 || graph.outputs.includes(output)),
    );
    if (needed) continue;
    releaseBodies(node);
    graph.removeNode(node);
  }
  for (const value of graph.initializers) {
    const isInput = graph.isInput(value);
    if (value.uses.size === 0 && !isInput && !graph.outputs.includes(value)) {
      graph.removeValue(value);
    }
  }
}

/** Values of the outer graph are no longer read by the bodies of a node that goes. */
function releaseBodies(node: Node): void {
  for (const attribute of node.attributes.values()) {
    if (attribute.kind !== 'graph') continue;
    for (const inner of attribute.value.nodes) {
      releaseBodies(inner);
      inner.inputs.forEach((_, index) => {
        inner.setInput(index, undefined);
      });
    }
  }
}
