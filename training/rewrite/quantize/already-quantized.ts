import { AppError } from '../../../src/errors.ts';
import type { Graph, Node } from '../../onnx/graph.ts';

/** Operators that only a graph with rounded weights or activations has. */
const operators: Readonly<Record<string, ReadonlySet<string>>> = {
  '': new Set([
    'QuantizeLinear',
    'DequantizeLinear',
    'DynamicQuantizeLinear',
    'MatMulInteger',
    'ConvInteger',
    'QLinearMatMul',
    'QLinearConv',
  ]),
  'com.microsoft': new Set([
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
};

/** AppError `model_invalid` for a graph that is quantized already: its weights are lost, rounding them again loses more. */
export function refuseQuantized(graph: Graph): void {
  const found = nodesOf(graph).find(({ op, domain }) => operators[domain]?.has(op));
  if (found === undefined) return;
  throw new AppError('model_invalid', `the graph is quantized already: it holds ${found}`, {
    hint: 'quantize the fp32 model that it was made from',
  });
}

function nodesOf(graph: Graph): Node[] {
  return [...graph.nodes].flatMap((node) => [
    node,
    ...[...node.attributes.values()].flatMap((a) => (a.kind === 'graph' ? nodesOf(a.value) : [])),
  ]);
}
