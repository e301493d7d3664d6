import { describe, expect, it } from '@jest/globals';
import { replacePads } from '../../../../training/graph/transforms/pads.ts';
import { GraphBuilder } from '../../../../training/onnx/builder.ts';
import { subtractDims, symbolicDim } from '../../../../training/onnx/dim.ts';
import { Graph } from '../../../../training/onnx/graph.ts';
import { floatTensor, scalarTensor } from '../../../../training/onnx/tensor.ts';
import { verify } from '../../../../training/onnx/verify.ts';
import { runSession, sessionOf } from '../../../support/run-graph.ts';

type Pads = (
  b: GraphBuilder,
  n: ReturnType<typeof symbolicDim>,
) => ReturnType<GraphBuilder['ints']>;

/** y = x [n, 2] padded, with 0 unless another value is given. */
function graphOf(pads: Pads, { opset = 19, value = 0, mode = 'constant' } = {}): Graph {
  const graph = new Graph('g', { opset });
  const n = symbolicDim('n');
  const x = graph.addInput('x', 'float32', [n, 2]);
  const b = new GraphBuilder(graph);
  const filler = b.constant(scalarTensor('float32', value));
  const y = b.op('Pad', [x, pads(b, n), filler], { mode: { kind: 'string', value: mode } });
  graph.rename(y, 'y');
  graph.outputs.push(y);
  return graph;
}

const operators = (graph: Graph) => [...graph.nodes].map(({ op }) => op);

async function resultOf(graph: Graph) {
  const x = floatTensor([3, 2], Float32Array.of(1, 2, 3, 4, 5, 6));
  return (await runSession(await sessionOf(graph), { x })).y;
}

const rows: Pads = (b) => b.ints([1, 0, 2, 0]);

describe('padding with zeros', () => {
  it.each<[string, Pads]>([
    ['rows before and after', rows],
    ['columns after', (b) => b.ints([0, 0, 0, 3])],
    ['nothing', (b) => b.ints([0, 0, 0, 0])],
    ['as many rows as another size says', (b, n) => b.dims([0, 0, subtractDims(n, 1), 0])!],
    ['a number of rows that is 0 at run time', (b, n) => b.dims([subtractDims(n, 3), 0, 0, 0])!],
  ])('of %s becomes a Concat with the same result and name', async (_, pads) => {
    const before = await resultOf(graphOf(pads));
    const graph = graphOf(pads);
    replacePads(graph);
    verify(graph);
    expect(operators(graph)).not.toContain('Pad');
    expect(await resultOf(graph)).toEqual(before);
  });

  it.each([
    ['in operator sets whose Pad has a CUDA kernel', rows, { opset: 18 }],
    ['with another value', rows, { value: 1 }],
    ['in another mode', rows, { mode: 'edge' }],
    ['along two axes', ((b) => b.ints([1, 1, 0, 0])) as Pads, {}],
    ['that cuts', ((b) => b.ints([-1, 0, 0, 0])) as Pads, {}],
  ])('stays %s', (_, pads, changes) => {
    const graph = graphOf(pads, changes);
    replacePads(graph);
    expect(operators(graph)).toContain('Pad');
  });
});
