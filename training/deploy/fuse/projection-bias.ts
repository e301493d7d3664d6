import type { GraphBuilder } from '../../onnx/builder.ts';
import type { Value } from '../../onnx/graph.ts';
import { elementsOf, floatTensor } from '../../onnx/tensor.ts';

interface Biased {
  readonly product: Value;
  readonly bias: Float32Array;
}

/** A projection as its product and its bias; undefined where it has none or where its sum is read elsewhere too. */
function biased(projection: Value): Biased | undefined {
  const { producer, uses } = projection;
  if (producer?.op !== 'Add' || producer.domain !== '' || uses.size !== 1) return undefined;
  const vector = producer.inputs.find((input) => input?.initializer?.dims.length === 1);
  const product = producer.inputs.find((input) => input !== vector);
  const tensor = vector?.initializer;
  if (!product || tensor?.type !== 'float32' || product.shape?.at(-1) !== tensor.dims[0]) return;
  return { product, bias: elementsOf(tensor) as Float32Array };
}

/** Query, key and value before their biases, and the biases one after the other. */
export interface Projections {
  readonly operands: readonly Value[];
  readonly bias: Value | undefined;
}

/**
 * Takes the biases of query, key and value together, as MultiHeadAttention adds them while it splits heads: three
 * passes over memory less.
 */
export function withoutBiases(b: GraphBuilder, operands: readonly Value[]): Projections {
  const found = operands.map(biased).filter((one) => one !== undefined);
  if (found.length < operands.length) return { operands, bias: undefined };
  const all = found.flatMap(({ bias }) => Array.from(bias));
  return {
    operands: found.map(({ product }) => product),
    bias: b.constant(floatTensor([all.length], Float32Array.from(all)), 'projection_bias'),
  };
}
