import { AppError } from '../../src/errors.ts';
import { onOneLine } from '../../src/files/index.ts';
import type { Graph, Node } from '../onnx/graph.ts';

const quantized =
  /^(QLinear\w+|QAttention|QGemm|QEmbed\w+|\w*Quantize\w*|\w*Integer\w*|MatMulNBits|MatMulBnb4|QMoE)$/;
const fused =
  /^(Attention|MultiHeadAttention|EmbedLayerNormalization|Skip\w*LayerNormalization|BiasGelu|FastGelu)$/;

/** What makes a graph another tool's result, and what to do about it. */
const states: readonly { what: string; is: (node: Node) => boolean; hint: string }[] = [
  {
    what: 'quantized',
    is: ({ op }) => quantized.test(op),
    hint: 'optimize the float model and quantize that',
  },
  {
    what: 'optimized',
    is: ({ op, domain }) => domain === 'com.microsoft' && fused.test(op),
    hint: 'use it as it is, or start from the model as it was exported',
  },
];

/** AppError `model_invalid`, saying what was found, where a graph is quantized or fused already. */
export function requireOptimizable(graph: Graph): void {
  for (const { what, is, hint } of states) {
    const found = new Map<string, number>();
    for (const node of graph.nodes) if (is(node)) found.set(node.op, (found.get(node.op) ?? 0) + 1);
    if (found.size === 0) continue;
    const list = onOneLine(Array.from(found, ([op, count]) => `${count} ${op}`).join(', '));
    throw new AppError('model_invalid', `the model is already ${what}: it has ${list}`, { hint });
  }
}
