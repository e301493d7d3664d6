import { GraphBuilder } from '../../onnx/builder.ts';
import type { Dim } from '../../onnx/dim.ts';
import type { Graph } from '../../onnx/graph.ts';

/**
 * Shapes that are known as expressions of the inputs' dimensions are computed from those: an activation whose
 * shape alone is read need not be kept, and what reads only one row of it may shrink it. Returns how many.
 */
export function shapesFromInputs(graph: Graph): number {
  const b = new GraphBuilder(graph, 'shape');
  let replaced = 0;
  for (const node of [...graph.nodes]) {
    const [source] = node.inputs;
    const [output] = node.outputs;
    if (node.op !== 'Shape' || node.domain !== '' || !source?.producer || !output) continue;
    const content = output.content?.filter((dim): dim is Dim => dim !== undefined);
    if (content === undefined || content.length !== output.content?.length) continue;
    const known = b.dims(content);
    if (known === undefined) continue;
    graph.replaceUses(output, known);
    graph.removeNode(node);
    replaced++;
  }
  return replaced;
}
