import { describe, expect, it } from '@jest/globals';
import { constantScalar } from '../../../../training/graph/facts/constants.ts';
import { foldScalars } from '../../../../training/graph/transforms/fold-scalars.ts';
import { GraphBuilder } from '../../../../training/onnx/builder.ts';
import { symbolicDim } from '../../../../training/onnx/dim.ts';
import { Graph, type Value } from '../../../../training/onnx/graph.ts';

/** 1/√d of one dimension d of x [batch, 12], as exporters write it. */
function scaleBy(axis: number): Value {
  const graph = new Graph('g');
  const b = new GraphBuilder(graph);
  const x = graph.addInput('x', 'float32', [symbolicDim('batch'), 12]);
  const width = b.op('Slice', [b.op('Shape', [x]), b.ints([axis]), b.ints([axis + 1])]);
  graph.outputs.push(b.div(1, b.op('Sqrt', [b.cast(width, 'float32')])));
  foldScalars(graph);
  return graph.outputs[0]!;
}

describe('single numbers', () => {
  it('that follow from a static dimension become constants, as float32 has them', () => {
    const scale = scaleBy(1);
    expect(constantScalar(scale)).toBe(Math.fround(1 / Math.fround(Math.sqrt(12))));
    expect(scale).toMatchObject({ type: 'float32', shape: [1] });
  });

  it('that follow from a symbolic one stay computed', () => {
    expect(scaleBy(0).producer?.op).toBe('Div');
  });
});
