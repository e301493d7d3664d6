import { any, either, op, type Pattern, scalar } from './pattern.ts';

const x = any('x');

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

/** GELU as exporters write it, of `x`: ½x(1 + erf(x/√2)). */
export const erfGelu = halved(raisedErf);

/** Its approximation, of `x`: ½x(1 + tanh(√(2/π)(x + 0.044715x³))). */
export const tanhGelu = halved(raisedTanh);
