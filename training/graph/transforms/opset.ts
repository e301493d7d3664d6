import { AppError } from '../../../src/errors.ts';
import type { Graph, Node } from '../../onnx/graph.ts';

/** Older graphs are raised to this operator set, the one whose kernels every provider has. */
const emitted = 17;

/** Operators whose meaning changed between opset 13 and 17, and where that matters. */
const changed: Readonly<Record<string, (node: Node) => boolean>> = {
  RoiAlign: (node) => node.string('coordinate_transformation_mode') === undefined,
  BatchNormalization: (node) => node.outputs.filter((output) => output).length > 1,
};

/** Raises a graph of opset 13 to 16 to 17; newer graphs stay. AppError `operator_unsupported`. */
export function raiseOpset(graph: Graph): void {
  if (graph.opset >= emitted) return;
  for (const node of graph.nodes) {
    if (node.domain === '' && Object.hasOwn(changed, node.op) && changed[node.op]?.(node)) {
      throw new AppError(
        'operator_unsupported',
        `${node} means something else from opset ${emitted} on; the graph has opset ${graph.opset}`,
        { hint: `export the model with opset ${emitted}` },
      );
    }
  }
  graph.opsets.set('', emitted);
}

/** The runtime asks for the version of every operator set that a node is of: of its own one, where a pass has put it in. */
export function declareDomains(graph: Graph): void {
  const used = [...graph.nodes].some(({ domain }) => domain === 'com.microsoft');
  if (used && !graph.opsets.has('com.microsoft')) graph.opsets.set('com.microsoft', 1);
}
