import { describe, expect, it } from '@jest/globals';
import { optimizeForInference } from '../../../../training/deploy/optimize.ts';
import { type AttributeInit, float } from '../../../../training/onnx/attributes.ts';
import { GraphBuilder } from '../../../../training/onnx/builder.ts';
import { symbolicDim } from '../../../../training/onnx/dim.ts';
import { Graph, type Value } from '../../../../training/onnx/graph.ts';
import { newModel } from '../../../../training/onnx/model.ts';
import { floatTensor, intTensor, type Tensor } from '../../../../training/onnx/tensor.ts';
import { Random } from '../../../../training/random.ts';
import { maxDifference } from '../../../support/reference-tensors.ts';
import { runSession, sessionOf } from '../../../support/run-graph.ts';

const [heads, size] = [2, 4];
const width = heads * size;
const [batch, sequence] = [symbolicDim('batch'), symbolicDim('sequence')];
const LEAST = -3.4028234663852886e38;

interface Parts {
  readonly b: GraphBuilder;
  /** [batch, heads, sequence, sequence] */
  readonly scores: Value;
  /** attention_mask, int64 [batch, sequence] */
  readonly mask: Value;
}

interface Form {
  readonly masked?: (parts: Parts) => Value;
  readonly biases?: boolean;
  readonly scaleValue?: boolean;
  /** Rows of all texts in one axis, as Conv1D modules ask for. */
  readonly flat?: boolean;
}

/** Attention over heads of `hidden` [batch, sequence, width], with a mask of a test's own. */
function attentionGraph({ masked, biases = true, scaleValue = false, flat = false }: Form): Graph {
  const random = new Random(5, 'attention');
  const weight = (dims: readonly number[]): Value =>
    graph.addInitializer(
      graph.freshName('weight'),
      floatTensor(
        dims,
        Float32Array.from({ length: dims.reduce((n, d) => n * d, 1) }, () => random.normal() / 2),
      ),
    );
  const graph = new Graph('attention', { opset: 17 });
  const b = new GraphBuilder(graph);
  const hidden = graph.addInput('hidden', 'float32', [batch, sequence, width]);
  const mask = graph.addInput('attention_mask', 'int64', [batch, sequence]);
  const project = (): Value => {
    const product = b.matMul(hidden, weight([width, width]));
    return biases ? b.add(weight([width]), product) : product;
  };
  const split = (x: Value, perm: readonly number[]): Value =>
    b.transpose(b.reshape(x, [0, 0, heads, size]), perm);
  const query = b.mul(split(project(), [0, 2, 1, 3]), 0.7);
  const key = split(project(), [0, 2, 3, 1]);
  const values = scaleValue ? b.mul(project(), 3) : project();
  const scores = b.div(b.matMul(query, key), 1.5);
  const probabilities = b.op('Softmax', [masked?.({ b, scores, mask }) ?? scores], { axis: -1 });
  const context = b.matMul(probabilities, split(values, [0, 2, 1, 3]));
  const target = flat ? [-1, width] : [0, 0, width];
  const output = b.reshape(b.transpose(context, [0, 2, 1, 3]), target);
  graph.rename(output, 'context');
  graph.outputs.push(output);
  return graph;
}

/** Three texts of five tokens: a full one, a padded one, and one that is padding alone. */
function feeds(): Record<string, Tensor> {
  const random = new Random(6, 'hidden');
  const hidden = Float32Array.from({ length: 3 * 5 * width }, () => random.normal());
  const mask = [1, 1, 1, 1, 1, 1, 1, 1, 0, 0, 0, 0, 0, 0, 0];
  return {
    hidden: floatTensor([3, 5, width], hidden),
    attention_mask: { ...intTensor([15], mask), dims: [3, 5] },
  };
}

const unsqueezed = (b: GraphBuilder, mask: Value): Value => b.unsqueeze(mask, [1, 2]);

const inverted = ({ b, mask }: Parts): Value => b.sub(1, b.cast(unsqueezed(b, mask), 'float32'));

const whole = (b: GraphBuilder, mask: Value): Value =>
  b.op('Expand', [unsqueezed(b, mask), b.dims([batch, 1, sequence, sequence])]);

const forms: readonly [string, Form, boolean][] = [
  ['no mask', {}, true],
  ['no biases', { biases: false }, true],
  ['rows of all texts together', { flat: true }, false],
  ['a mask that is added', { masked: (p) => p.b.add(p.scores, p.b.mul(inverted(p), LEAST)) }, true],
  ['a mask of −10000', { masked: (p) => p.b.add(p.b.mul(inverted(p), -1e4), p.scores) }, true],
  [
    'a mask that takes the place of scores, expanded over queries',
    {
      masked: ({ b, scores, mask }) =>
        b.where(
          b.op('Equal', [whole(b, mask), b.scalar(0, mask)]),
          b.scalar(LEAST, scores),
          scores,
        ),
    },
    true,
  ],
  [
    'a boolean mask of what is kept',
    {
      masked: ({ b, scores, mask }) =>
        b.where(b.cast(unsqueezed(b, mask), 'bool'), scores, b.scalar(LEAST, scores)),
    },
    true,
  ],
  [
    'a relative bias beside the mask',
    {
      masked: (p) => {
        const { b, scores } = p;
        const distance = b.op('Expand', [
          b.scalar(0.5, scores),
          b.dims([1, heads, sequence, sequence]),
        ]);
        return b.add(b.add(scores, distance), b.mul(inverted(p), LEAST));
      },
    },
    true,
  ],
  [
    'a mask that keeps the padding instead',
    {
      masked: ({ b, scores, mask }) =>
        b.where(b.cast(unsqueezed(b, mask), 'bool'), b.scalar(LEAST, scores), scores),
    },
    false,
  ],
  [
    'a mask of the queries',
    {
      masked: ({ b, scores, mask }) =>
        b.where(b.cast(b.unsqueeze(mask, [1, 3]), 'bool'), scores, b.scalar(LEAST, scores)),
    },
    false,
  ],
  ['a mask that only dims', { masked: (p) => p.b.add(p.scores, p.b.mul(inverted(p), -3)) }, false],
  ['a bias without an axis of queries', { masked: (p) => p.b.add(p.scores, inverted(p)) }, false],
  ['values that are scaled', { scaleValue: true }, false],
];

describe('attention', () => {
  it.each(forms)('gives the same numbers with %s', async (_, form, fuses) => {
    const given = newModel(attentionGraph(form));
    const { model } = optimizeForInference(given, { passes: ['attention', 'pack-qkv'] });
    const fused = [...model.graph.nodes].filter(({ op }) => op === 'MultiHeadAttention').length;
    expect(fused).toBe(fuses ? 1 : 0);
    const before = await runSession(await sessionOf(given.graph), feeds());
    const after = await runSession(await sessionOf(model.graph), feeds());
    // Numbers around 1: some roundings of float32.
    expect(maxDifference(after.context!.values, before.context!.values)).toBeLessThan(1e-5);
  });
});

/** One Attention node over heads of `hidden`; queries are multiplied and keys divided before they are cut to heads. */
function attentionNode(attributes: AttributeInit, opset: number): Graph {
  const random = new Random(5, 'attention');
  const graph = new Graph('attention', { opset });
  const b = new GraphBuilder(graph);
  const hidden = graph.addInput('hidden', 'float32', [batch, sequence, width]);
  const project = (): Value => {
    const weight = Float32Array.from({ length: width ** 2 }, () => random.normal() / 2);
    return b.matMul(hidden, b.constant(floatTensor([width, width], weight)));
  };
  const split = (x: Value): Value => b.transpose(b.reshape(x, [0, 0, heads, size]), [0, 2, 1, 3]);
  const inputs = [split(b.mul(project(), 0.7)), split(b.div(project(), 1.6)), split(project())];
  const context = b.transpose(b.op('Attention', inputs, attributes), [0, 2, 1, 3]);
  const output = b.reshape(context, [0, 0, width]);
  graph.rename(output, 'context');
  graph.outputs.push(output);
  return graph;
}

describe('an Attention node', () => {
  it.each([
    ['as it is', {}, 23, 'MultiHeadAttention'],
    ['with a scale', { scale: float(0.8) }, 23, 'MultiHeadAttention'],
    ['with a causal mask', { is_causal: 1 }, 23, 'Attention'],
    ['with a bound on the scores', { softcap: float(2) }, 23, 'Attention'],
    ['with a window', { left_window_size: 1 }, 25, 'Attention'],
    ['with a window ahead', { right_window_size: 0 }, 25, 'Attention'],
  ] as [string, AttributeInit, number, string][])(
    '%s becomes the same numbers, or stays',
    async (_, attributes, opset, kind) => {
      const given = newModel(attentionNode(attributes, opset));
      const { model } = optimizeForInference(given, { passes: ['attention'] });
      const kinds = [...model.graph.nodes].map(({ op }) => op);
      expect(kinds.filter((op) => op.endsWith('Attention'))).toEqual([kind]);
      if (kind === 'Attention') return;
      const { hidden } = feeds();
      const before = await runSession(await sessionOf(given.graph), { hidden: hidden! });
      const after = await runSession(await sessionOf(model.graph), { hidden: hidden! });
      expect(maxDifference(after.context!.values, before.context!.values)).toBeLessThan(1e-5);
    },
  );
});
