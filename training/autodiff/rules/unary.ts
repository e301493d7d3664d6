import type { GraphBuilder } from '../../onnx/builder.ts';
import type { Value } from '../../onnx/graph.ts';
import { isFloat } from '../../onnx/tensor.ts';
import type { Rule, RuleContext, RuleTable } from '../rule.ts';
import { activationRules } from './activation.ts';
import { floatTypeOf } from './arithmetic.ts';

/** An element-wise rule: dX = derivative(context), which includes the factor dY. */
const elementwise = (derivative: (c: RuleContext) => Value): Rule => ({
  vjp: (c) => [() => derivative(c)],
});

/** 1 where the condition holds, else 0, in dY's type. */
const indicator = ({ b, dy }: RuleContext, condition: Value): Value =>
  b.cast(condition, floatTypeOf(dy));

const isPositive = (c: RuleContext): Value => c.b.op('Greater', [c.x(), c.b.scalar(0, c.dy)]);
const isNegative = (c: RuleContext): Value => c.b.op('Less', [c.x(), c.b.scalar(0, c.dy)]);

/**
 * dY(Φ(x) + x·φ(x)), with Φ and φ the standard normal distribution and density, in few passes over memory: twice
 * the derivative is 1 + erf(a) + x·exp(ln(2/√2π) − a²) with a = x/√2; the half is dY's, where the runtime makes
 * it a factor of the matrix product before.
 */
export function erfGeluGradient(b: GraphBuilder, x: Value, dy: Value): Value {
  const a = b.mul(x, Math.SQRT1_2);
  const exponent = b.sub(Math.log(2 / Math.sqrt(2 * Math.PI)), b.mul(a, a));
  const slope = b.mul(x, b.op('Exp', [exponent]));
  return b.mul(b.mul(dy, 0.5), b.add(b.add(b.op('Erf', [a]), 1), slope));
}

/** Derivative of ½x(1 + tanh(√(2/π)(x + 0.044715x³))). */
function tanhGeluDerivative({ b }: RuleContext, x: Value): Value {
  const k = Math.sqrt(2 / Math.PI);
  const square = b.mul(x, x);
  const t = b.op('Tanh', [b.mul(b.mul(x, b.add(b.mul(square, 0.044715), 1)), k)]);
  const inner = b.mul(b.add(b.mul(square, 3 * 0.044715), 1), k);
  const slope = b.mul(b.mul(x, b.sub(1, b.mul(t, t))), inner);
  return b.mul(b.add(b.add(t, 1), slope), 0.5);
}

/** dY where min ≤ x ≤ max, as PyTorch's clamp has it. */
function clipGradient(c: RuleContext): Value {
  const { b, dy, node } = c;
  const [, minimum, maximum] = node.inputs;
  const outside = [
    ...(minimum ? [b.op('Less', [c.x(), minimum])] : []),
    ...(maximum ? [b.op('Greater', [c.x(), maximum])] : []),
  ];
  return outside.reduce((gradient, mask) => b.where(mask, b.scalar(0, dy), gradient), dy);
}

const passOn: Rule = elementwise(({ dy }) => dy);

export const unaryRules: RuleTable = {
  ...activationRules,
  Identity: passOn,
  Neg: elementwise(({ b, dy }) => b.neg(dy)),
  Abs: elementwise((c) =>
    c.b.mul(c.dy, c.b.sub(indicator(c, isPositive(c)), indicator(c, isNegative(c)))),
  ),
  Sqrt: elementwise((c) => c.b.div(c.b.mul(c.dy, 0.5), c.y())),
  Exp: elementwise((c) => c.b.mul(c.dy, c.y())),
  Log: elementwise((c) => c.b.div(c.dy, c.x())),
  Reciprocal: elementwise((c) => c.b.neg(c.b.mul(c.dy, c.b.mul(c.y(), c.y())))),
  Sin: elementwise((c) => c.b.mul(c.dy, c.b.op('Cos', [c.x()]))),
  Cos: elementwise((c) => c.b.neg(c.b.mul(c.dy, c.b.op('Sin', [c.x()])))),
  Erf: elementwise((c) => {
    const density = c.b.op('Exp', [c.b.neg(c.b.mul(c.x(), c.x()))]);
    return c.b.mul(c.dy, c.b.mul(density, 2 / Math.sqrt(Math.PI)));
  }),
  Tanh: elementwise((c) => c.b.mul(c.dy, c.b.sub(1, c.b.mul(c.y(), c.y())))),
  Sigmoid: elementwise((c) => c.b.mul(c.dy, c.b.mul(c.y(), c.b.sub(1, c.y())))),
  Softplus: elementwise((c) => c.b.mul(c.dy, c.b.op('Sigmoid', [c.x()]))),
  Relu: elementwise((c) => c.b.where(isPositive(c), c.dy, c.b.scalar(0, c.dy))),
  Gelu: elementwise((c) => {
    const isTanh = c.node.string('approximate') === 'tanh';
    return isTanh ? c.b.mul(c.dy, tanhGeluDerivative(c, c.x())) : erfGeluGradient(c.b, c.x(), c.dy);
  }),
  Clip: elementwise(clipGradient),
  Cast: elementwise((c) => {
    const { type } = c.x();
    if (!isFloat(type) || type === 'bfloat16') throw c.unsupported(`its input is ${type}`);
    return c.b.cast(c.dy, floatTypeOf(c.x()));
  }),
  CastLike: elementwise((c) => c.b.cast(c.dy, floatTypeOf(c.x()))),
};
