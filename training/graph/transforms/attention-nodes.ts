import { changedScores } from '../../onnx/attention.ts';
import { GraphBuilder } from '../../onnx/builder.ts';
import type { Graph, Node, Value } from '../../onnx/graph.ts';
import { LEAST_FLOAT32 } from '../../onnx/tensor.ts';

interface Operands {
  readonly query: Value;
  readonly key: Value;
  readonly value: Value;
  readonly mask: Value | undefined;
  readonly heads: number | undefined;
  readonly scale: number;
}

/**
 * Replaces the Attention nodes of opset 23, which keep their probabilities to themselves, by
 * MatMul, Softmax and MatMul, so that dropout finds its place. Nodes with a causal mask, a window, a
 * cache or grouped heads stay, and those that are not `wanted`.
 */
export function expandAttention(graph: Graph, wanted: (node: Node) => boolean = () => true): void {
  const b = new GraphBuilder(graph, 'attention');
  for (const node of graph.topologicalOrder()) {
    const [output] = node.outputs;
    const operands = isAttention(node) && wanted(node) ? operandsOf(node) : undefined;
    if (operands === undefined || output === undefined) continue;
    const result = expanded(b, operands, node);
    graph.replaceUses(output, result);
    graph.removeNode(node);
  }
}

const isAttention = (node: Node): boolean => node.op === 'Attention' && node.domain === '';

/** One mask for all queries: the runtime's kernel on the CPU refuses to repeat it. */
export function repeatsMask({ inputs: [query, , , mask] }: Node): boolean {
  const length = query?.shape?.at(-2);
  return mask?.shape?.at(-2) === 1 && length !== 1;
}

function operandsOf(node: Node): Operands | undefined {
  const [query, key, value, mask, ...cache] = node.inputs;
  if (!query || !key || !value || cache.some((input) => input)) return undefined;
  const givesMore = node.outputs.slice(1).some((output) => output);
  const special = changedScores(node) !== undefined || givesMore;
  const heads = node.int('q_num_heads');
  const rank = query.shape?.length;
  const ungrouped =
    rank === 4
      ? String(query.shape?.[1]) === String(key.shape?.[1])
      : rank === 3 && heads !== undefined && heads === node.int('kv_num_heads');
  const width = query.shape?.at(-1);
  const headWidth = typeof width === 'number' ? width / (rank === 4 ? 1 : (heads ?? 1)) : undefined;
  const scale = node.float('scale') ?? (headWidth && 1 / Math.sqrt(headWidth));
  if (special || !ungrouped || scale === undefined) return undefined;
  return { query, key, value, mask, heads: rank === 3 ? heads : undefined, scale };
}

/** softmax(Q·Kᵀ·scale + mask)·V */
function expanded(b: GraphBuilder, operands: Operands, node: Node): Value {
  const { query, key, value, mask, heads, scale } = operands;
  const split = (x: Value): Value =>
    heads === undefined ? x : b.transpose(b.reshape(x, [0, 0, heads, -1]), [0, 2, 1, 3]);
  const products = b.matMul(split(query), b.transposeLast(split(key)));
  const scores = b.mul(products, b.scalar(scale, products));
  const name = `${node.name || 'attention'}/Softmax`;
  const probabilities = b.op('Softmax', [masked(b, scores, mask)], { axis: -1 }, { name });
  const result = b.matMul(probabilities, split(value));
  return heads === undefined ? result : b.reshape(b.transpose(result, [0, 2, 1, 3]), [0, 0, -1]);
}

/** A boolean mask says where to look, a float one is added. */
function masked(b: GraphBuilder, scores: Value, mask: Value | undefined): Value {
  if (mask === undefined) return scores;
  return mask.type === 'bool'
    ? b.where(mask, scores, b.scalar(LEAST_FLOAT32, scores))
    : b.add(scores, mask);
}
