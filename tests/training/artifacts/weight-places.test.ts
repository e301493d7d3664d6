import { describe, expect, it } from '@jest/globals';
import { WeightPlaces } from '../../../training/artifacts/weight-places.ts';
import { GraphBuilder } from '../../../training/onnx/builder.ts';
import { Graph, type Value } from '../../../training/onnx/graph.ts';
import { floatTensor } from '../../../training/onnx/tensor.ts';

/** Activations from a table of embeddings, and positions that come from no weight. */
function setUp() {
  const graph = new Graph('places');
  const b = new GraphBuilder(graph);
  const weight = (name: string, dims: readonly number[]) =>
    graph.addInitializer(
      name,
      floatTensor(dims, new Float32Array(dims.reduce((n, dim) => n * dim, 1)).fill(1)),
    );
  const ids = graph.addInput('input_ids', 'int64', [2, 4]);
  const positions = graph.addInput('positions', 'float32', [4, 4]);
  const learnt = b.op('Gather', [weight('table', [8, 4]), ids]);
  return { graph, b, weight, learnt, positions };
}

type Made = ReturnType<typeof setUp>;
type Reading = (made: Made, value: Value) => void;

/** Whether a value of so many axes is read as a parameter is. */
function isPlace(dims: readonly number[], reading: Reading): boolean {
  const made = setUp();
  const value = made.weight('value', dims);
  reading(made, value);
  return new WeightPlaces(made.graph).reads(value);
}

describe('a place of a parameter', () => {
  it.each<[string, readonly number[], Reading]>([
    ['the right operand of a product', [4, 4], ({ b, learnt }, w) => b.op('MatMul', [learnt, w])],
    ['a bias, whichever operand of a sum', [4], ({ b, learnt }, w) => b.add(learnt, w)],
    ['a bias before what it is added to', [4], ({ b, learnt }, w) => b.add(w, learnt)],
    ['a scale, whichever operand', [4], ({ b, learnt }, w) => b.mul(learnt, w)],
    ['a scale before what it scales', [4], ({ b, learnt }, w) => b.mul(w, learnt)],
    [
      'the right operand of a product, transposed',
      [4, 4],
      ({ b, learnt }, w) => b.op('MatMul', [learnt, b.op('Transpose', [w], { perm: [1, 0] })]),
    ],
    ['the bias of a Gemm', [4], ({ b, positions }, w) => b.op('Gemm', [positions, positions, w])],
  ])('is %s', (_, dims, reading) => {
    expect(isPlace(dims, reading)).toBe(true);
  });

  it.each<[string, readonly number[], Reading]>([
    ['the left operand of a product', [4, 4], ({ b, learnt }, w) => b.op('MatMul', [w, learnt])],
    ['a sum with positions alone', [4], ({ b, positions }, w) => b.add(positions, w)],
    ['a product with positions alone', [4], ({ b, positions }, w) => b.mul(w, positions)],
    ['a matrix in a sum', [4, 4], ({ b, learnt }, w) => b.add(learnt, w)],
    [
      'a matrix that is flattened for a sum',
      [1, 4],
      ({ b, learnt }, w) => b.add(learnt, b.reshape(w, [4])),
    ],
    ['a vector of a MatMul', [4], ({ b, learnt }, w) => b.op('MatMul', [learnt, w])],
    ['the ids of a Gather', [4, 4], ({ b, learnt }, w) => b.op('Gather', [learnt, w])],
    ['what is computed of a constant', [4], ({ b, learnt }, w) => b.add(learnt, b.op('Exp', [w]))],
  ])('is not %s', (_, dims, reading) => {
    expect(isPlace(dims, reading)).toBe(false);
  });
});
