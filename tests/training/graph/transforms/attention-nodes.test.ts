import { describe, expect, it } from '@jest/globals';
import { dropoutPlaces } from '../../../../training/graph/facts/dropout-places.ts';
import { expandAttention } from '../../../../training/graph/transforms/attention-nodes.ts';
import type { AttributeInit } from '../../../../training/onnx/attributes.ts';
import { float } from '../../../../training/onnx/attributes.ts';
import { GraphBuilder } from '../../../../training/onnx/builder.ts';
import { symbolicDim } from '../../../../training/onnx/dim.ts';
import { Graph } from '../../../../training/onnx/graph.ts';
import {
  elementCount,
  floatTensor,
  type Tensor,
  tensorOf,
} from '../../../../training/onnx/tensor.ts';
import { problemsOf } from '../../../../training/onnx/verify.ts';
import { Random } from '../../../../training/random.ts';
import { maxDifference } from '../../../support/reference-tensors.ts';
import { runSession, sessionOf } from '../../../support/run-graph.ts';

const random = new Random(3);
const normal = (dims: readonly number[]): Tensor =>
  floatTensor(
    dims,
    Float32Array.from({ length: elementCount(dims) }, () => random.normal()),
  );

/** One Attention node on texts of 5 tokens; the mask hides the last two of the second. */
function attention(rank: 3 | 4, attributes: AttributeInit, mask?: 'bool' | 'float32') {
  const shape = rank === 4 ? [2, 2, 5, 4] : [2, 5, 8];
  const graph = new Graph('attention', { opset: 23 });
  const symbolic = shape.map((size, i) => (size === 5 || i === 0 ? symbolicDim(`n${size}`) : size));
  const inputs = ['q', 'k', 'v'].map((name) => graph.addInput(name, 'float32', symbolic));
  const feeds: Record<string, Tensor> = Object.fromEntries(
    ['q', 'k', 'v'].map((name) => [name, normal(shape)]),
  );
  if (mask) {
    const hidden = Array.from({ length: 50 }, (_, i) => i >= 25 && i % 5 >= 3);
    inputs.push(graph.addInput('mask', mask, [2, 1, 5, 5]));
    feeds.mask =
      mask === 'bool'
        ? tensorOf(
            'bool',
            [2, 1, 5, 5],
            Uint8Array.from(hidden, (h) => (h ? 0 : 1)),
          )
        : floatTensor(
            [2, 1, 5, 5],
            Float32Array.from(hidden, (h) => (h ? -1e9 : 0)),
          );
  }
  const b = new GraphBuilder(graph);
  graph.outputs.push(b.op('Attention', inputs, attributes, { name: 'node_Attention' }));
  return { graph, feeds };
}

const heads = { q_num_heads: 2, kv_num_heads: 2 };

describe('Attention nodes', () => {
  it.each([
    ['of separate heads', 4, {}, undefined],
    ['of separate heads with a mask of where to look', 4, {}, 'bool'],
    ['of heads side by side with a mask that is added', 3, heads, 'float32'],
    ['with a scale of their own', 4, { scale: float(0.3) }, undefined],
  ] as const)('%s become operators that give the same', async (_, rank, attributes, mask) => {
    const { graph, feeds } = attention(rank, attributes, mask);
    const [before] = Object.values(await runSession(await sessionOf(graph), feeds));
    expandAttention(graph);
    expect([...graph.nodes].map(({ op }) => op)).not.toContain('Attention');
    expect(problemsOf(graph)).toEqual([]);
    const [after] = Object.values(await runSession(await sessionOf(graph), feeds));
    expect(after!.dims).toEqual(before!.dims);
    expect(maxDifference(after!.values, before!.values)).toBeLessThan(1e-6);
    expect(dropoutPlaces(graph).map(({ name }) => name)).toEqual(['node_Attention/Softmax']);
  });

  it.each([
    ['a causal mask', { is_causal: 1 }],
    ['a bound on the scores', { softcap: float(2) }],
    ['a window to the left', { left_window_size: 1 }],
    ['a window to the right', { right_window_size: 0 }],
  ] as [string, AttributeInit][])('with %s stay', (_, attributes) => {
    const { graph } = attention(4, attributes);
    expandAttention(graph);
    expect([...graph.nodes].map(({ op }) => op)).toEqual(['Attention']);
  });

  it('of which more is read than the result stay', () => {
    const { graph } = attention(4, {});
    const [node] = graph.nodes;
    graph.outputs.push(graph.ensureOutput(node!, 3, 'scores'));
    expandAttention(graph);
    expect([...graph.nodes].map(({ op }) => op)).toEqual(['Attention']);
  });
});
