import type { Value } from '../onnx/graph.ts';
import { numbersOf, type Tensor } from '../onnx/tensor.ts';

/** The tensor that a value always is: an initializer, a Constant node's, or such a one passed on or cast. */
export function constantOf(value: Value | undefined): Tensor | undefined {
  if (value?.initializer) return value.initializer;
  const node = value?.producer;
  if (node?.op === 'Identity' || node?.op === 'Cast') return constantOf(node.inputs[0]);
  if (node?.op !== 'Constant') return undefined;
  const attribute = node.attributes.get('value');
  return attribute?.kind === 'tensor' ? attribute.value : undefined;
}

/** The integers that a value always holds; undefined where they depend on the input. */
export function constantInts(value: Value | undefined): readonly number[] | undefined {
  const { content } = value ?? {};
  if (content?.every((dim) => typeof dim === 'number')) return content;
  const tensor = constantOf(value);
  return tensor && numbersOf(tensor);
}

/** The one number that a value always holds. */
export function constantScalar(value: Value | undefined): number | undefined {
  const tensor = constantOf(value);
  if (tensor === undefined || tensor.dims.some((dim) => dim !== 1)) return undefined;
  return numbersOf(tensor)[0];
}
