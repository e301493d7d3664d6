import { changedScores } from '../../onnx/attention.ts';
import type { Dim } from '../../onnx/dim.ts';
import type { Value } from '../../onnx/graph.ts';
import { LEAST_FLOAT32 } from '../../onnx/tensor.ts';
import { sumToShapeOf } from '../broadcast.ts';
import { type InputGradient, once, type RuleContext, type RuleTable } from '../rule.ts';
import { floatTypeOf } from './arithmetic.ts';

function requireSupported(c: RuleContext): void {
  const changed = changedScores(c.node);
  if (changed) throw c.unsupported(`${changed} has no rule`);
  const mode = c.node.int('qk_matmul_output_mode') ?? 0;
  if (mode !== 0) throw c.unsupported(`qk_matmul_output_mode=${mode} has no rule`);
  if (c.node.inputs.slice(4).some((input) => input))
    throw c.unsupported('a key-value cache has no rule');
  const [queries, keys] = [headsOf(c, 0, 'q_num_heads'), headsOf(c, 1, 'kv_num_heads')];
  if (typeof queries === 'number' && typeof keys === 'number' && queries !== keys) {
    throw c.unsupported('fewer heads of keys than of queries have no rule');
  }
}

/** The number of heads: the second axis of [batch, heads, length, width], else an attribute. */
const headsOf = (c: RuleContext, input: number, attribute: string): Dim | undefined =>
  c.rank(input) === 4 ? c.shape(input)[1] : c.node.int(attribute);

/** Y = softmax(Q·Kᵀ·scale + mask)·V with the probabilities P made again; gradients of Q, K, V and a float mask. */
function attentionGradients(c: RuleContext): InputGradient[] {
  requireSupported(c);
  const { b } = c;
  const heads = (x: Value): Value => splitHeads(c, x);
  const [q, k, v] = [0, 1, 2].map((i) => once(() => heads(c.x(i)))) as [
    InputGradient,
    InputGradient,
    InputGradient,
  ];
  const dy = once(() => heads(c.dy));
  const scale = once(() => scaleOf(c, q()));
  const probabilities = once(() => {
    const scores = b.mul(b.matMul(q(), b.transposeLast(k())), scale());
    return b.op('Softmax', [masked(c, scores)], { axis: -1 });
  });
  const dScores = once(() => {
    const p = probabilities();
    const weighted = b.mul(b.matMul(dy(), b.transposeLast(v())), p);
    return b.sub(weighted, b.mul(p, b.reduceSum(weighted, [-1])));
  });
  const dProducts = once(() => b.mul(dScores(), scale()));
  const joined = (i: number, gradient: Value): Value => joinHeads(c, gradient, c.x(i));
  return [
    () => joined(0, b.matMul(dProducts(), k())),
    () => joined(1, b.matMul(b.transposeLast(dProducts()), q())),
    () => joined(2, b.matMul(b.transposeLast(probabilities()), dy())),
    () => sumToShapeOf(b, dScores(), c.x(3)),
  ];
}

/** [batch, length, heads · width] → [batch, heads, length, width]; four axes stay. */
function splitHeads(c: RuleContext, x: Value): Value {
  if (x.shape?.length === 4) return x;
  const heads = c.node.int('q_num_heads');
  if (heads === undefined) throw c.unsupported('the number of its heads is not known');
  return c.b.transpose(c.b.reshape(x, [0, 0, heads, -1]), [0, 2, 1, 3]);
}

/** Of four axes, one head of keys may stand for all of the queries, which shows at run time only. */
const joinHeads = (c: RuleContext, x: Value, like: Value): Value =>
  like.shape?.length === 4
    ? sumToShapeOf(c.b, x, like)
    : c.b.reshapeLike(c.b.transpose(x, [0, 2, 1, 3]), like);

/** The attribute, else 1/√width. */
function scaleOf(c: RuleContext, q: Value): Value {
  const { b, node } = c;
  const given = node.float('scale');
  if (given !== undefined) return b.scalar(given, q);
  const width = q.shape?.[3];
  if (typeof width === 'number') return b.scalar(1 / Math.sqrt(width), q);
  const known = width && b.dims([width]);
  const size = known ?? b.op('Gather', [b.shapeOf(q), b.ints([3])], { axis: 0 });
  return b.op('Reciprocal', [b.op('Sqrt', [b.cast(size, floatTypeOf(q))])]);
}

/** A boolean mask says where to look, a float one is added. */
function masked(c: RuleContext, scores: Value): Value {
  const mask = c.node.inputs[3];
  if (mask === undefined) return scores;
  return mask.type === 'bool'
    ? c.b.where(mask, scores, c.b.scalar(LEAST_FLOAT32, scores))
    : c.b.add(scores, mask);
}

/**
 * Pairs of elements turned by an angle that positions decide: the gradient is turned back, by the negative
 * angle. Inputs: X, the cosines, the sines, and perhaps the positions.
 */
function rotaryGradients(c: RuleContext): InputGradient[] {
  const { b, node, dy } = c;
  const [, , , positions] = node.inputs;
  const turnedBack = (): Value =>
    b.op('RotaryEmbedding', [dy, c.x(1), b.neg(c.x(2)), positions], {
      interleaved: node.int('interleaved') ?? 0,
      num_heads: node.int('num_heads') ?? 0,
      rotary_embedding_dim: node.int('rotary_embedding_dim') ?? 0,
    });
  return [turnedBack];
}

export const attentionRules: RuleTable = {
  Attention: { vjp: attentionGradients },
  RotaryEmbedding: { vjp: rotaryGradients },
};
