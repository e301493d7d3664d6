import { describe, expect, it } from '@jest/globals';
import { optimizeForInference, passes } from '../../../../training/deploy/optimize.ts';
import { float } from '../../../../training/onnx/attributes.ts';
import { GraphBuilder } from '../../../../training/onnx/builder.ts';
import { symbolicDim } from '../../../../training/onnx/dim.ts';
import { Graph, type Value } from '../../../../training/onnx/graph.ts';
import { newModel } from '../../../../training/onnx/model.ts';
import { floatTensor, type Tensor } from '../../../../training/onnx/tensor.ts';
import { Random } from '../../../../training/random.ts';
import { maxDifference } from '../../../support/reference-tensors.ts';
import { runSession, sessionOf } from '../../../support/run-graph.ts';

const random = new Random(9, 'formulas');
const normal = (dims: readonly number[]): Tensor =>
  floatTensor(
    dims,
    Float32Array.from({ length: dims.reduce((n, d) => n * d, 1) }, () => 2 * random.normal()),
  );

type Build = (b: GraphBuilder, x: Value, vector: () => Value) => Value;

const erf = (b: GraphBuilder, scaled: Value): Value => b.add(b.op('Erf', [scaled]), 1);
const cube = (b: GraphBuilder, x: Value): Value => b.op('Pow', [x, b.scalar(3, x)]);
const raised = (b: GraphBuilder, inner: Value): Value => b.add(1, b.op('Tanh', [inner]));
const ROOT = Math.sqrt(2 / Math.PI);

/** An ε that can be seen: no default is like it. */
const EPSILON = 0.5;
const variance = (b: GraphBuilder, centred: Value): Value =>
  b.op('Sqrt', [b.add(b.reduceMean(b.mul(centred, centred), [-1]), EPSILON)]);
const centre = (b: GraphBuilder, x: Value): Value => b.sub(x, b.reduceMean(x, [2]));

const formulas: readonly [string, string, Build][] = [
  ['½(x(1 + erf(x/√2)))', 'Gelu', (b, x) => b.mul(b.mul(x, erf(b, b.div(x, Math.SQRT2))), 0.5)],
  ['(½x)(1 + erf)', 'Gelu', (b, x) => b.mul(b.mul(0.5, x), erf(b, b.mul(x, Math.SQRT1_2)))],
  ['x(½(1 + erf))', 'Gelu', (b, x) => b.mul(b.mul(0.5, erf(b, b.div(x, Math.SQRT2))), x)],
  [
    'gelu_new',
    'FastGelu',
    (b, x) => b.mul(b.mul(0.5, x), raised(b, b.mul(ROOT, b.add(x, b.mul(0.044715, cube(b, x)))))),
  ],
  [
    'gelu_fast',
    'FastGelu',
    (b, x) => {
      const inner = b.mul(b.mul(x, ROOT), b.add(1, b.mul(b.mul(x, 0.044715), x)));
      return b.mul(b.mul(0.5, x), raised(b, inner));
    },
  ],
  [
    'GELU of a sum with a bias',
    'BiasGelu',
    (b, x, vector) => {
      const y = b.add(vector(), x);
      return b.mul(b.mul(y, erf(b, b.div(y, Math.SQRT2))), 0.5);
    },
  ],
  [
    'LayerNorm by division',
    'LayerNormalization',
    (b, x, vector) => {
      const y = centre(b, x);
      return b.add(b.mul(b.div(y, variance(b, y)), vector()), vector());
    },
  ],
  [
    'LayerNorm by a reciprocal',
    'LayerNormalization',
    (b, x, vector) => {
      const y = centre(b, x);
      const inverse = b.op('Reciprocal', [variance(b, y)]);
      return b.add(vector(), b.mul(vector(), b.mul(inverse, y)));
    },
  ],
  [
    'LayerNorm of a sum',
    'SkipLayerNormalization',
    (b, x, vector) =>
      b.op('LayerNormalization', [b.add(x, x), vector(), vector()], { epsilon: float(EPSILON) }),
  ],
  [
    'LayerNorm of a sum and a bias, its axis counted from the front',
    'SkipLayerNormalization',
    (b, x, vector) =>
      b.op('LayerNormalization', [b.add(b.add(x, vector()), x), vector(), vector()], {
        axis: 2,
        epsilon: float(EPSILON),
      }),
  ],
];

/** Formulas that only look like the operator, and the operator that they must not become. */
const others: readonly [string, string, Build][] = [
  ['a GELU of another constant', 'Gelu', (b, x) => b.mul(b.mul(x, erf(b, b.div(x, 1.5))), 0.5)],
  [
    'a mean over another axis',
    'LayerNormalization',
    (b, x, vector) => {
      const y = b.sub(x, b.reduceMean(x, [1]));
      return b.add(b.mul(b.div(y, variance(b, y)), vector()), vector());
    },
  ],
  [
    'a variance of something else',
    'LayerNormalization',
    (b, x, vector) => {
      const y = centre(b, x);
      return b.add(b.mul(b.div(y, variance(b, x)), vector()), vector());
    },
  ],
];

async function rewritten(build: Build) {
  const graph = new Graph('formula', { opset: 17 });
  const b = new GraphBuilder(graph);
  const x = graph.addInput('x', 'float32', [symbolicDim('batch'), symbolicDim('sequence'), 6]);
  const vector = (): Value => graph.addInitializer(graph.freshName('vector'), normal([6]));
  const y = build(b, x, vector);
  graph.rename(y, 'y');
  graph.outputs.push(y);
  const { model } = optimizeForInference(newModel(graph), {
    passes: passes.map(({ name }) => name),
  });
  const feeds = { x: normal([2, 3, 6]) };
  const before = await runSession(await sessionOf(graph), feeds);
  const after = await runSession(await sessionOf(model.graph), feeds);
  return {
    operators: [...model.graph.nodes].map(({ op }) => op),
    difference: maxDifference(after.y!.values, before.y!.values),
  };
}

// Numbers up to about 10, and the runtime's tanh and erf are approximations good to some 1e-7 of them.
const TOLERANCE = 1e-5;

describe('a formula', () => {
  it.each(formulas)('becomes one node: %s → %s', async (_, operator, build) => {
    const { operators, difference } = await rewritten(build);
    expect(operators).toEqual([operator]);
    expect(difference).toBeLessThan(TOLERANCE);
  });

  it.each(others)('stays as it is: %s is no %s', async (_, operator, build) => {
    const { operators, difference } = await rewritten(build);
    expect(operators).not.toContain(operator);
    expect(difference).toBeLessThan(TOLERANCE);
  });
});
