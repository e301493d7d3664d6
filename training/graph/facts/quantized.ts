import type { Graph, Node } from '../../onnx/graph.ts';

/** Operators that only a graph with rounded weights or activations has. */
const operators: ReadonlyMap<string, ReadonlySet<string>> = new Map([
  [
    '',
    new Set([
      'QuantizeLinear',
      'DequantizeLinear',
      'DynamicQuantizeLinear',
      'MatMulInteger',
      'ConvInteger',
      'QLinearMatMul',
      'QLinearConv',
    ]),
  ],
  [
    'com.microsoft',
    new Set([
      'DequantizeLinear',
      'DynamicQuantizeLSTM',
      'DynamicQuantizeMatMul',
      'GatherBlockQuantized',
      'MatMulBnb4',
      'MatMulInteger16',
      'MatMulIntegerToFloat',
      'MatMulNBits',
      'QAttention',
      'QEmbedLayerNormalization',
      'QGemm',
      'QuantizeLinear',
    ]),
  ],
]);

/** The first node, in bodies too, that only a quantized graph has. */
export const quantizedNode = (graph: Graph): Node | undefined =>
  nodesOf(graph).find(({ op, domain }) => operators.get(domain)?.has(op));

function nodesOf(graph: Graph): Node[] {
  return [...graph.nodes].flatMap((node) => [
    node,
    ...[...node.attributes.values()].flatMap((a) => (a.kind === 'graph' ? nodesOf(a.value) : [])),
  ]);
}
