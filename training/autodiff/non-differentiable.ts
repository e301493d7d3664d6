import type { Node, Value } from '../onnx/graph.ts';

/** The key of an operator in the tables: its name, with the domain before it unless that is the default one. */
export const operatorKey = (node: Pick<Node, 'op' | 'domain'>): string =>
  node.domain === '' ? node.op : `${node.domain}:${node.op}`;

/**
 * Operators through which no gradient flows: their result is an integer or a truth value, does not depend
 * on the values of their inputs, or is constant almost everywhere.
 */
export const nonDifferentiable: ReadonlySet<string> = new Set([
  // Integer and boolean results
  'And',
  'ArgMax',
  'ArgMin',
  'BitShift',
  'BitwiseAnd',
  'BitwiseNot',
  'BitwiseOr',
  'BitwiseXor',
  'Equal',
  'Greater',
  'GreaterOrEqual',
  'IsInf',
  'IsNaN',
  'Less',
  'LessOrEqual',
  'NonZero',
  'Not',
  'Or',
  'Xor',
  // Independent of the values of the inputs
  'Bernoulli',
  'Constant',
  'ConstantOfShape',
  'EyeLike',
  'Multinomial',
  'RandomNormal',
  'RandomNormalLike',
  'RandomUniform',
  'RandomUniformLike',
  'Range',
  'Shape',
  'Size',
  // Constant almost everywhere
  'Ceil',
  'Floor',
  'Round',
  'Sign',
]);

/** Inputs of differentiable operators of which only the type is read. */
const typeOnly: ReadonlyMap<string, readonly number[]> = new Map([['CastLike', [1]]]);

/** The inputs of a node, by their places, through which a gradient may flow. */
export function differentiableInputs(node: Node): readonly (readonly [number, Value])[] {
  if (nonDifferentiable.has(operatorKey(node))) return [];
  const skipped = typeOnly.get(operatorKey(node)) ?? [];
  return node.inputs.flatMap((input, i) => (input && !skipped.includes(i) ? [[i, input]] : []));
}
