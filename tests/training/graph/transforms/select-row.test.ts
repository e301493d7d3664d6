import { describe, expect, it } from '@jest/globals';
import { rewriteForward } from '../../../../training/graph/transforms/forward.ts';
import { GraphBuilder } from '../../../../training/onnx/builder.ts';
import { cloneModel } from '../../../../training/onnx/clone.ts';
import { readModel } from '../../../../training/onnx/codec/index.ts';
import { symbolicDim } from '../../../../training/onnx/dim.ts';
import { Graph, type Value } from '../../../../training/onnx/graph.ts';
import { type Model, newModel } from '../../../../training/onnx/model.ts';
import { inferGraph } from '../../../../training/onnx/shapes/infer.ts';
import { floatTensor, intTensor, type Tensor } from '../../../../training/onnx/tensor.ts';
import { Random } from '../../../../training/random.ts';
import { fixturePath, maxDifference } from '../../../support/reference-tensors.ts';
import { runSession, sessionOf } from '../../../support/run-graph.ts';

const [batch, sequence] = [symbolicDim('batch'), symbolicDim('sequence')];
const random = new Random(3, 'rewrite');
const normal = (dims: readonly number[]): Tensor =>
  floatTensor(
    dims,
    Float32Array.from({ length: dims.reduce((n, d) => n * d, 1) }, () => random.normal()),
  );

/** The rewritten copy of a model, and the largest difference of any output between the two. */
async function rewritten(model: Model, feeds: Record<string, Tensor>) {
  const copy = cloneModel(model);
  inferGraph(copy.graph);
  rewriteForward(copy.graph);
  const before = await runSession(await sessionOf(model.graph), feeds);
  const after = await runSession(await sessionOf(copy.graph), feeds);
  expect(Object.keys(after)).toEqual(Object.keys(before));
  const difference = Math.max(
    ...Object.entries(before).map(([name, { values, dims }]) => {
      expect(after[name]!.dims).toEqual(dims);
      return maxDifference(after[name]!.values, values);
    }),
  );
  return { graph: copy.graph, difference };
}

/** The nodes of an operator whose output has one row on axis 1. */
const withOneRow = (graph: Graph, op: string): number =>
  [...graph.nodes].filter((node) => node.op === op && node.outputs[0]?.shape?.[1] === 1).length;

const slices = (graph: Graph): number => [...graph.nodes].filter(({ op }) => op === 'Slice').length;

describe('an exported encoder whose head reads the first token', () => {
  it.each([
    ['distilbert/legacy-op14-eager-head', 13],
    ['distilbert/legacy-op17-sdpa-head-nofold', 13],
    ['distilbert/legacy-op17-sdpa-head', 13],
    ['distilbert/dynamo-op18-sdpa-head-external', 13],
    ['bert/legacy-op17-sdpa-head', 11],
  ])('computes of its last layer what that token needs: %s', async (name, length) => {
    const model = await readModel(fixturePath(`graphs/${name}.onnx`));
    const ids = Array.from({ length: 3 * length }, () => 1 + random.int(400));
    const mask = ids.map((_, i) => (i % length < length - Math.floor(i / length) ? 1 : 0));
    const values: Record<string, number[]> = {
      input_ids: ids,
      attention_mask: mask,
      token_type_ids: ids.map((_, i) => (i % length > 5 ? 1 : 0)),
    };
    const feeds = model.graph.inputs.map(({ name: input }): [string, Tensor] => [
      input,
      { ...intTensor([ids.length], values[input]!), dims: [3, length] },
    ]);
    const { graph, difference } = await rewritten(model, Object.fromEntries(feeds));
    expect(difference).toBeLessThan(2e-6);
    // The query, the output projection and the two of the feed-forward part; not the keys and the values.
    expect(withOneRow(graph, 'MatMul') + withOneRow(graph, 'Gemm')).toBe(4);
  });
});

interface Parts {
  readonly b: GraphBuilder;
  readonly x: Value;
  readonly weight: Value;
}

/** x [batch, sequence, 4] → … → one row. */
function graphOf(build: (parts: Parts) => readonly Value[]): Model {
  const graph = new Graph('rows', { opset: 17 });
  const b = new GraphBuilder(graph);
  const x = graph.addInput('x', 'float32', [batch, sequence, 4]);
  const weight = graph.addInitializer('weight', normal([4, 4]));
  graph.outputs.push(...build({ b, x, weight }));
  return newModel(graph);
}

const row = (b: GraphBuilder, x: Value, index: number): Value =>
  b.op('Gather', [x, b.scalar(index, 'int64')], { axis: 1 });

const cases: readonly [string, (parts: Parts) => readonly Value[], boolean][] = [
  ['a row other than the first', ({ b, x, weight }) => [row(b, b.matMul(x, weight), 2)], true],
  [
    'a Slice of one row',
    ({ b, x, weight }) => [
      b.op('Slice', [b.matMul(x, weight), b.ints([1]), b.ints([2]), b.ints([1])]),
    ],
    true,
  ],
  [
    'heads: Reshape, Transpose, Softmax and a product over them',
    ({ b, x, weight }) => {
      const heads = b.transpose(b.reshape(b.matMul(x, weight), [0, -1, 2, 2]), [0, 2, 1, 3]);
      const keys = b.transpose(b.reshape(x, [0, -1, 2, 2]), [0, 2, 3, 1]);
      const scores = b.op('Softmax', [b.matMul(heads, keys)], { axis: -1 });
      return [b.op('Gather', [scores, b.scalar(1, 'int64')], { axis: 2 })];
    },
    true,
  ],
  [
    'an operand that is broadcast along the rows',
    ({ b, x, weight }) => {
      const mean = b.reduceMean(x, [1]);
      return [row(b, b.matMul(b.add(x, mean), weight), 0)];
    },
    true,
  ],
  [
    'a mask made for the shape of an activation',
    ({ b, x, weight }) => {
      const y = b.matMul(x, weight);
      const ones = b.op('Expand', [b.scalar(0.5, x), b.op('Shape', [y])]);
      return [row(b, b.mul(y, ones), 1)];
    },
    true,
  ],
  [
    'a value that is an output too',
    ({ b, x, weight }) => {
      const y = b.matMul(x, weight);
      return [row(b, y, 0), y];
    },
    false,
  ],
  [
    'a value that others read whole',
    ({ b, x, weight }) => {
      const y = b.matMul(x, weight);
      return [row(b, y, 0), b.reduceMean(y, [1])];
    },
    false,
  ],
  [
    'rows that depend on each other',
    ({ b, x, weight }) => [row(b, b.op('Softmax', [b.matMul(x, weight)], { axis: 1 }), 0)],
    false,
  ],
  [
    'a value that is read by row and by column',
    ({ b, x, weight }) => {
      const y = b.matMul(x, weight);
      return [row(b, b.matMul(y, b.transposeLast(y)), 0)];
    },
    true,
  ],
];

describe('the row that is read', () => {
  it.each(cases)('is right for %s', async (_, build, moves) => {
    const model = graphOf(build);
    const { graph, difference } = await rewritten(model, { x: normal([2, 4, 4]) });
    // Numbers of up to about 30, which float32 holds to 2e-6.
    expect(difference).toBeLessThan(1e-5);
    expect(slices(graph) > slices(model.graph)).toBe(moves);
  });

  it('is left alone where no product gets smaller', () => {
    const model = graphOf(({ b, x }) => [row(b, b.mul(x, 2), 0)]);
    rewriteForward(model.graph);
    expect(slices(model.graph)).toBe(0);
  });
});
