import type { Rewrite } from '../../graph/pattern/apply.ts';
import { erfGelu, tanhGelu } from '../../graph/pattern/gelu.ts';
import { any, op, vector } from '../../graph/pattern/pattern.ts';

const x = any('x');
const contrib = { domain: 'com.microsoft' } as const;

/** The two forms of GELU → the runtime's operators of one node. */
export const gelu: readonly Rewrite[] = [
  {
    name: 'Gelu',
    pattern: erfGelu,
    replace: ({ b, value }) => b.op('Gelu', [value('x')], {}, contrib),
  },
  {
    name: 'FastGelu',
    pattern: tanhGelu,
    replace: ({ b, value }) => b.op('FastGelu', [value('x')], {}, contrib),
  },
];

const biased = op('Add', [x, vector('bias')]);

/** The bias before a GELU → a second input of it. */
export const biasGelu: readonly Rewrite[] = [
  ...(['Gelu', 'FastGelu'] as const).map(
    (name): Rewrite => ({
      name: name === 'Gelu' ? 'BiasGelu' : name,
      pattern: op(name, [biased], contrib),
      replace: ({ b, value }) =>
        b.op(name === 'Gelu' ? 'BiasGelu' : name, [value('x'), value('bias')], {}, contrib),
    }),
  ),
  {
    name: 'BiasGelu',
    pattern: op('Gelu', [biased], {
      where: (node) => (node.string('approximate') ?? 'none') === 'none',
    }),
    replace: ({ b, value }) => b.op('BiasGelu', [value('x'), value('bias')], {}, contrib),
  },
];
