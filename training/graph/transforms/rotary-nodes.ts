import { GraphBuilder } from '../../onnx/builder.ts';
import type { Dim } from '../../onnx/dim.ts';
import type { Graph } from '../../onnx/graph.ts';

/**
 * Repeats the cosines and sines of RotaryEmbedding nodes for every text of a batch where the exporter left one for all
 * of them: the runtime's kernel refuses to do so. Tables that positions are looked up in stay.
 */
export function repeatRotaryTables(graph: Graph): void {
  const b = new GraphBuilder(graph, 'rotary');
  for (const node of graph.topologicalOrder()) {
    if (node.op !== 'RotaryEmbedding' || node.domain !== '' || node.inputs[3]) continue;
    const batch: Dim | undefined = node.inputs[0]?.shape?.[0];
    for (const index of [1, 2]) {
      const table = node.inputs[index];
      if (batch === undefined || batch === 1 || !table?.shape || table.shape[0] !== 1) continue;
      const target = b.dims([batch, ...table.shape.slice(1)]);
      if (target) node.setInput(index, b.op('Expand', [table, target]));
    }
  }
}
