import { describe, expect, it } from '@jest/globals';
import { layerOf } from '../../../../training/deploy/quantize/layer.ts';
import { quantizeModel, type Scheme } from '../../../../training/deploy/quantize/quantize-model.ts';
import { GraphBuilder } from '../../../../training/onnx/builder.ts';
import { Graph } from '../../../../training/onnx/graph.ts';
import { newModel } from '../../../../training/onnx/model.ts';
import { fitsFloat16, floatTensor } from '../../../../training/onnx/tensor.ts';

/** A table of 16 rows, looked up by an operator of a domain. */
function lookedUp(domain: string, rows = 16, axis = 0) {
  const graph = new Graph('table', { opset: 17 });
  const b = new GraphBuilder(graph);
  const table = graph.addInitializer('table', floatTensor([rows, 4], new Float32Array(4 * rows)));
  const ids = graph.addInput('ids', 'int64', [3]);
  b.op('Gather', [table, ids], { axis }, { domain });
  const [node] = graph.nodes;
  return layerOf(node!)?.name;
}

describe('a layer that is worth rounding', () => {
  it('is a table of sixteen rows that ONNX itself looks up, row by row', () => {
    expect(lookedUp('')).toBe('table');
    expect(lookedUp('', 15)).toBeUndefined();
    expect(lookedUp('', 16, 1)).toBeUndefined();
    expect(lookedUp('org.example')).toBeUndefined();
  });
});

/** x [1, 32] times a matrix [32, 1] of these weights, over and over. */
function errorOf(scheme: Scheme, weights: readonly number[]): number | undefined {
  const graph = new Graph('product', { opset: 17 });
  const x = graph.addInput('x', 'float32', [1, 32]);
  const matrix = Float32Array.from({ length: 32 }, (_, i) => weights[i % weights.length]!);
  const w = graph.addInitializer('w', floatTensor([32, 1], matrix));
  graph.outputs.push(new GraphBuilder(graph).matMul(x, w));
  return quantizeModel(newModel(graph), { scheme }).layers[0]?.error;
}

describe('the error of a rounded layer', () => {
  // ‖w − w̃‖ / ‖w‖ by hand: every second weight is 64 (or 8, or 128) steps of 1, the others 0.4 of one.
  it.each([
    ['int8', [64, 0.4], 0.4 / Math.hypot(64, 0.4)],
    ['int8', [-64, 0.4], 0.4 / Math.hypot(64, 0.4)],
    ['weight4', [-8, 0.4], 0.4 / Math.hypot(8, 0.4)],
    ['weight8', [-128, 0.4], 0.4 / Math.hypot(128, 0.4)],
    // 11 binary digits: 1 + 2⁻¹² becomes 1.
    ['fp16', [1 + 2 ** -12], 2 ** -12 / (1 + 2 ** -12)],
  ] as [Scheme, number[], number][])('in %s of weights %p', (scheme, weights, error) => {
    // 0.4 as a float32.
    expect(errorOf(scheme, weights)! / error).toBeCloseTo(1, 6);
  });
});

describe('float16', () => {
  it('holds numbers up to 65504, of either sign', () => {
    expect(fitsFloat16(Float32Array.of(65504, -65504))).toBe(true);
    expect(fitsFloat16(Float32Array.of(1, 65505))).toBe(false);
    expect(fitsFloat16(Float32Array.of(1, -65505))).toBe(false);
  });
});
