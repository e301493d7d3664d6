import { AppError } from '../../../src/errors.ts';
import { constantMatrix } from '../../graph/facts/constant-matrix.ts';
import { int } from '../../onnx/attributes.ts';
import type { GraphBuilder } from '../../onnx/builder.ts';
import type { Graph, Node, Value } from '../../onnx/graph.ts';
import { activationRounder, type Product } from './products.ts';
import { LOOKUP_LIMIT, PRODUCT_LIMIT } from './round.ts';
import type { BlockBits } from './round-blocks.ts';
import type { RoundedWeight, RoundedWeights } from './rounded-weights.ts';

/** The schemes that round weights to whole numbers. */
export type RoundingScheme = 'int8' | 'weight8' | 'weight4';

/** Puts a product with a rounded weight in the place of a node. */
type Replace = (node: Node, product: Product, name: string) => RoundedWeight;

/** How the products of a graph are computed, by scheme. */
export const replacements: Readonly<
  Record<RoundingScheme, (b: GraphBuilder, weights: RoundedWeights) => Replace>
> = {
  int8: multiplyInIntegers,
  weight8: (b, weights) => multiplyByBlocks(b, weights, 8),
  weight4: (b, weights) => multiplyByBlocks(b, weights, 4),
};

/** x·W as MatMulInteger of 8-bit numbers, brought back to float32 by both scales. */
function multiplyInIntegers(b: GraphBuilder, weights: RoundedWeights): Replace {
  const rounder = activationRounder(b);
  return (node, product, name) => {
    const rounded = weights.product(product.weight, name, PRODUCT_LIMIT, product.alpha);
    const x = rounder(product.activations);
    const sums = b.op('MatMulInteger', [x.values, rounded.values, x.zero]);
    // Operands in the order that the runtime's fusion to MatMulIntegerToFloat looks for.
    const result = b.mul(b.cast(sums, 'float32'), b.mul(x.scale, rounded.scales));
    replace(b.graph, node, withAddend(b, result, product));
    return rounded;
  };
}

/**
 * Rows of a block by bits. The CPU kernel takes powers of two from 16 on; docs/quantization.md has the measurement that
 * chose: small blocks cost time and size, and only 4 bits need them.
 */
const blockSizes: Readonly<Record<BlockBits, number>> = { 8: 128, 4: 32 };

/**
 * `accuracy_level` 4: the kernel may round activations to int8, each block of a row by a scale of its own, so that an
 * outlier spoils its block alone. Its products neither saturate nor need a CPU of a certain kind. The other levels
 * compute in fp32: the weights come back to it at every run, slower than the fp32 model.
 */
const INT8_BLOCKS = 4;

/** x·W as MatMulNBits, which takes and gives float32. */
function multiplyByBlocks(b: GraphBuilder, weights: RoundedWeights, bits: BlockBits): Replace {
  return (node, product, name) => {
    const size = blockSizes[bits];
    const rounded = weights.blocks(product.weight, name, { bits, size }, product.alpha);
    const { rows, columns } = rounded;
    const result = b.op(
      'MatMulNBits',
      [product.activations, rounded.values, rounded.scales],
      { K: rows, N: columns, bits, block_size: size, accuracy_level: INT8_BLOCKS },
      { domain: 'com.microsoft' },
    );
    replace(b.graph, node, withAddend(b, result, product));
    return rounded;
  };
}

/** beta · c of a Gemm. */
function withAddend(b: GraphBuilder, result: Value, { addend }: Product): Value {
  if (!addend || addend.factor === 0) return result;
  const { value, factor } = addend;
  return b.add(result, factor === 1 ? value : b.mul(value, factor));
}

/** The same product in fp32, its weight put together from 8-bit values and scales: constants, which the runtime folds. */
export function store(
  b: GraphBuilder,
  node: Node,
  { weight }: Product,
  weights: RoundedWeights,
  name: string,
): RoundedWeight {
  const rounded = weights.product(weight, name, LOOKUP_LIMIT);
  const whole = b.mul(b.cast(rounded.values, 'float32'), rounded.scales);
  node.setInput(1, whole);
  if (node.op === 'Gemm') node.attributes.set('transB', int(0));
  return rounded;
}

/** Rows of an int8 table, times their scales. */
export function lookUp(
  b: GraphBuilder,
  node: Node,
  name: string,
  weights: RoundedWeights,
): RoundedWeight {
  const [table, ...which] = node.inputs;
  const matrix = constantMatrix(table);
  if (!matrix) throw new AppError('internal', `${node} looks nothing up`);
  const rounded = weights.table(matrix, name, LOOKUP_LIMIT);
  const [rows, scales] = [rounded.values, rounded.scales].map((value) =>
    b.op(node.op, [value, ...which], Object.fromEntries(node.attributes)),
  );
  if (!rows || !scales) throw new AppError('internal', `${node} looks nothing up`);
  replace(b.graph, node, b.mul(b.cast(rows, 'float32'), scales));
  return rounded;
}

/** Lets the readers of a node read another value, under the old name where that was an output of the graph. */
export function replace(graph: Graph, node: Node, by: Value): void {
  const [output] = node.outputs;
  if (output === undefined) return;
  const isOutput = graph.outputs.includes(output);
  by.shape ??= output.shape;
  graph.replaceUses(output, by);
  const { name } = output;
  graph.removeNode(node);
  if (isOutput) graph.rename(by, name);
}
