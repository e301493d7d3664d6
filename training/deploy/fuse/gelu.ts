import type { Rewrite } from '../../graph/pattern/apply.ts';
import { any, either, op, type Pattern, scalar, vector } from '../../graph/pattern/pattern.ts';

const x = any('x');
const contrib = { domain: 'com.microsoft' } as const;

/** x · ½ · raised, in any order. */
const halved = (raised: Pattern): Pattern =>
  either(
    op('Mul', [op('Mul', [x, raised]), scalar(0.5)]),
    op('Mul', [op('Mul', [x, scalar(0.5)]), raised]),
    op('Mul', [x, op('Mul', [raised, scalar(0.5)])]),
  );

const raisedErf = op('Add', [
  op('Erf', [either(op('Div', [x, scalar(Math.SQRT2)]), op('Mul', [x, scalar(Math.SQRT1_2)]))]),
  scalar(1),
]);

const square = either(op('Mul', [x, x]), op('Pow', [x, scalar(2)]));
const cube = either(op('Pow', [x, scalar(3)]), op('Mul', [square, x]));
const root = scalar(Math.sqrt(2 / Math.PI));
const weight = scalar(0.044715);

/** √(2/π) · (x + 0.044715 · x³), as transformers' gelu_new, gelu_fast and torch write it. */
const inner = either(
  op('Mul', [op('Add', [x, op('Mul', [cube, weight])]), root]),
  op('Mul', [op('Mul', [x, root]), op('Add', [op('Mul', [op('Mul', [x, weight]), x]), scalar(1)])]),
  op('Mul', [op('Mul', [x, root]), op('Add', [op('Mul', [square, weight]), scalar(1)])]),
);
const raisedTanh = op('Add', [op('Tanh', [inner]), scalar(1)]);

/** The two forms of GELU → the runtime's operators of one node. */
export const gelu: readonly Rewrite[] = [
  {
    name: 'Gelu',
    pattern: halved(raisedErf),
    replace: ({ b, value }) => b.op('Gelu', [value('x')], {}, contrib),
  },
  {
    name: 'FastGelu',
    pattern: halved(raisedTanh),
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
