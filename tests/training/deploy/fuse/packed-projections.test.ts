import { describe, expect, it } from '@jest/globals';
import { packProjections } from '../../../../training/deploy/fuse/packed-projections.ts';
import { GraphBuilder } from '../../../../training/onnx/builder.ts';
import { symbolicDim } from '../../../../training/onnx/dim.ts';
import { Graph } from '../../../../training/onnx/graph.ts';
import { inferGraph } from '../../../../training/onnx/shapes/infer.ts';
import { floatTensor } from '../../../../training/onnx/tensor.ts';
import { runSession, sessionOf } from '../../../support/run-graph.ts';

/** x [rows, 2] times a matrix for each output, and times x itself where there is an activation. */
function projected(outputs: readonly (readonly number[])[], isWhole = false): Graph {
  const graph = new Graph('projected', { opset: 17 });
  const b = new GraphBuilder(graph);
  const x = graph.addInput('x', 'float32', [symbolicDim('rows'), 2]);
  outputs.forEach((weights, i) => {
    const matrix = floatTensor([2, weights.length / 2], Float32Array.from(weights));
    const product = b.matMul(x, graph.addInitializer(`w${i}`, matrix));
    const y = isWhole ? product : b.mul(product, 2);
    graph.rename(y, `y${i}`);
    graph.outputs.push(y);
  });
  return graph;
}

const feeds = { x: floatTensor([3, 2], Float32Array.of(1, 2, -3, 4, 5, -6)) };
const matrices = [
  [1, 2, 3, 4],
  [5, 6],
  [7, 8, 9, 10, 11, 12],
];

describe('products of one value', () => {
  it('become one, and as many as are gone are counted', async () => {
    const graph = projected(matrices);
    const before = await runSession(await sessionOf(graph), feeds);
    expect(packProjections(graph)).toBe(2);
    inferGraph(graph, { forget: true });
    expect([...graph.nodes].filter(({ op }) => op === 'MatMul')).toHaveLength(1);
    // Whole numbers: no rounding.
    expect(await runSession(await sessionOf(graph), feeds)).toEqual(before);
  });

  it('stay where there is one alone, or where one is an output of the graph', () => {
    expect(packProjections(projected(matrices.slice(0, 1)))).toBe(0);
    expect(packProjections(projected(matrices, true))).toBe(0);
  });
});
