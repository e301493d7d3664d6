import { constantInts } from '../../graph/facts/constants.ts';
import type { Rewrite } from '../../graph/pattern/apply.ts';
import { any, either, op, scalar, vector } from '../../graph/pattern/pattern.ts';
import { float } from '../../onnx/attributes.ts';
import type { Node } from '../../onnx/graph.ts';

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
const normalised = either(
  op('Div', [centred, deviation]),
  op('Mul', [centred, op('Reciprocal', [deviation])]),
);

/** (x − mean) / √(variance + ε) · weight + bias → LayerNormalization, which there is from opset 17 on. */
export const layerNormalization: readonly Rewrite[] = [
  {
    name: 'LayerNormalization',
    pattern: op('Add', [op('Mul', [normalised, vector('weight')]), vector('bias')]),
    replace: ({ b, value, scalar: number }) =>
      b.op('LayerNormalization', [value('x'), value('weight'), value('bias')], {
        axis: -1,
        epsilon: float(number('epsilon')),
      }),
  },
];
