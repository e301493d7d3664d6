import { describe, expect, it } from '@jest/globals';
import { repeatRotaryTables } from '../../../../training/graph/transforms/rotary-nodes.ts';
import { GraphBuilder } from '../../../../training/onnx/builder.ts';
import { symbolicDim } from '../../../../training/onnx/dim.ts';
import { Graph } from '../../../../training/onnx/graph.ts';
import { floatTensor } from '../../../../training/onnx/tensor.ts';
import { runSession, sessionOf } from '../../../support/run-graph.ts';

/** Texts of 2 heads, 3 tokens and width 4, all turned by the same angles. */
function rotary(): Graph {
  const graph = new Graph('rotary', { opset: 23 });
  const b = new GraphBuilder(graph);
  const x = graph.addInput('x', 'float32', [symbolicDim('batch'), 2, 3, 4]);
  const angles = Float32Array.from({ length: 6 }, (_, i) => 0.3 * i);
  const table = (f: (angle: number) => number) => b.constant(floatTensor([1, 3, 2], angles.map(f)));
  graph.outputs.push(b.op('RotaryEmbedding', [x, table(Math.cos), table(Math.sin)]));
  return graph;
}
const texts = (batch: number) => ({
  x: floatTensor(
    [batch, 2, 3, 4],
    Float32Array.from({ length: 24 * batch }, (_, i) => (i % 24) / 7),
  ),
});

describe('rotary tables of one text', () => {
  it('serve a batch, every text of which is turned as one alone', async () => {
    const graph = rotary();
    repeatRotaryTables(graph);
    const [output] = graph.outputs;
    const one = await runSession(await sessionOf(rotary()), texts(1));
    const two = await runSession(await sessionOf(graph), texts(2));
    const [alone] = Object.values(one);
    expect(two[output!.name]!.values).toEqual([...alone!.values, ...alone!.values]);
  });

  it('stay as they are where no batch needs more', () => {
    const graph = rotary();
    graph.inputs[0]!.shape = [1, 2, 3, 4];
    repeatRotaryTables(graph);
    expect([...graph.nodes].map(({ op }) => op)).toEqual(['RotaryEmbedding']);
  });
});
