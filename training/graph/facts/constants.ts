import type { Value } from '../../onnx/graph.ts';
import { type DataType, hasNumbers, numbersOf, type Tensor } from '../../onnx/tensor.ts';
import { behind } from '../../onnx/walk.ts';

/** The tensor that a value always is: an initializer, a Constant node's, or such a one passed on or cast. */
export function constantOf(value: Value | undefined): Tensor | undefined {
  const source = value && behind(value, ({ op }) => op === 'Identity' || op === 'Cast');
  if (source?.initializer) return source.initializer;
  if (source?.producer?.op !== 'Constant') return undefined;
  const attribute = source.producer.attributes.get('value');
  return attribute?.kind === 'tensor' ? attribute.value : undefined;
}

/** The integers that a value always holds; undefined where they depend on the input, or are no integers. */
export function constantInts(value: Value | undefined): readonly number[] | undefined {
  const { content } = value ?? {};
  if (content?.every((dim) => typeof dim === 'number')) return content;
  const tensor = constantOf(value);
  return tensor && integers.has(tensor.type) ? numbersOf(tensor) : undefined;
}

const integers: ReadonlySet<DataType> = new Set([
  'int64',
  'int32',
  'int16',
  'int8',
  'uint8',
  'bool',
]);

/** The one number that a value always holds. */
export function constantScalar(value: Value | undefined): number | undefined {
  const tensor = constantOf(value);
  if (tensor === undefined || tensor.dims.some((dim) => dim !== 1)) return undefined;
  if (!hasNumbers(tensor)) return undefined;
  return numbersOf(tensor)[0];
}
