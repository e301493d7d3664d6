import { dataTypeOf } from '../data-type.ts';
import type { Node } from '../graph.ts';
import type { DataType } from '../tensor.ts';
import { matMulShape, matMulTo } from './matmul.ts';
import { type RuleTable, shapeAt, typeAt } from './rule.ts';

const outputType = (node: Node): DataType | undefined => dataTypeOf(node.int('output_dtype') ?? 0);

export const quantizeRules: RuleTable = {
  QuantizeLinear: (node) => {
    const type = typeAt(node, 2) ?? outputType(node) ?? (node.inputs[2] ? undefined : 'uint8');
    return [{ type, shape: shapeAt(node, 0) }];
  },
  DequantizeLinear: (node) => [
    { type: outputType(node) ?? typeAt(node, 1), shape: shapeAt(node, 0) },
  ],
  DynamicQuantizeLinear: (node) => [
    { type: 'uint8', shape: shapeAt(node, 0) },
    { type: 'float32', shape: [] },
    { type: 'uint8', shape: [] },
  ],
  MatMulInteger: matMulTo(() => 'int32'),
  QLinearMatMul: (node) => [
    { type: typeAt(node, 7), shape: matMulShape(node, shapeAt(node, 0), shapeAt(node, 3)) },
  ],
};
