import type { Rewrite } from '../../graph/pattern/apply.ts';
import { any, either, op, vector } from '../../graph/pattern/pattern.ts';
import { float } from '../../onnx/attributes.ts';
import { sameShape } from '../../onnx/dim.ts';

const sum = either(
  op('Add', [op('Add', [any('x'), vector('projectionBias')]), any('skip')]),
  op('Add', [any('x'), any('skip')]),
);

/** LayerNormalization of a sum of two equal shapes, and of a bias → SkipLayerNormalization. */
export const skipLayerNormalization: readonly Rewrite[] = [
  {
    name: 'SkipLayerNormalization',
    pattern: op('LayerNormalization', [sum, vector('weight'), vector('bias')], {
      where: (node) => node.outputs.slice(1).every((output) => output === undefined),
    }),
    replace: ({ b, value, maybe, node }) => {
      const [x, skip] = [value('x'), value('skip')];
      const alike = x.shape?.length === 3 && skip.shape && sameShape(x.shape, skip.shape);
      const axis = node.int('axis') ?? -1;
      if (!alike || (axis !== -1 && axis !== 2)) return undefined;
      return b.op(
        'SkipLayerNormalization',
        [x, skip, value('weight'), value('bias'), maybe('projectionBias')],
        { epsilon: float(node.float('epsilon') ?? 1e-5) },
        { domain: 'com.microsoft' },
      );
    },
  },
];
