import type { Node } from '../../onnx/graph.ts';
import { constantInts } from '../facts/constants.ts';
import { any, either, op, scalar } from './pattern.ts';

/** The mean over the last axis, which stays with size 1. */
const overLastAxis = (node: Node): boolean => {
  const rank = node.inputs[0]?.shape?.length;
  const [axis, ...more] = node.ints('axes') ?? constantInts(node.inputs[1]) ?? [];
  const last = axis === -1 || (rank !== undefined && axis === rank - 1);
  return last && more.length === 0 && node.int('keepdims') !== 0;
};

const mean = { where: overLastAxis };
const x = any('x');
const centred = op('Sub', [x, op('ReduceMean', [x], mean)], { as: 'centred' });
const square = either(
  op('Pow', [any('centred'), scalar(2)]),
  op('Mul', [any('centred'), any('centred')]),
);
const deviation = op('Sqrt', [op('Add', [op('ReduceMean', [square], mean), scalar('epsilon')])]);
/** (x − mean(x)) / √(variance + ε) over the last axis, of `x` and `epsilon`. */
export const normalised = either(
  op('Div', [centred, deviation]),
  op('Mul', [centred, op('Reciprocal', [deviation])]),
);
