import type { Rewrite } from '../../graph/pattern/apply.ts';
import { normalised } from '../../graph/pattern/layer-normalization.ts';
import { op, vector } from '../../graph/pattern/pattern.ts';
import { float } from '../../onnx/attributes.ts';

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
