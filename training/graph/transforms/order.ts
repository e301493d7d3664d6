import type { Graph } from '../../onnx/graph.ts';

/**
 * Puts the nodes that nothing reads to the end, those first that depend on the most. The runtime follows the nodes
 * back from the last of these on: each weight's gradient is then computed as soon as it can be, where in the order
 * of differentiation all wait for the end of the backward pass, and every activation with them.
 */
export function resultsAsSoonAsPossible(graph: Graph): void {
  const results = graph
    .topologicalOrder()
    .filter(({ outputs }) => outputs.every((output) => !output || output.uses.size === 0));
  for (const node of results.reverse()) {
    graph.nodes.delete(node);
    graph.nodes.add(node);
  }
}
