import type { GraphBuilder } from '../../onnx/builder.ts';
import type { Value } from '../../onnx/graph.ts';
import { isFloat } from '../../onnx/tensor.ts';
import type { Rule, RuleContext, RuleTable } from '../rule.ts';
import { floatTypeOf } from './arithmetic.ts';

/** An element-wise rule: dX = derivative(context), which includes the factor dY. */
const elementwise = (derivative: (c: RuleContext) => Value): Rule => ({
  vjp: (c) => [() => derivative(c)],
});

/** 1 where the condition holds, else 0, in dY's type. */
const indicator = ({ b, dy }: RuleContext, condition: Value): Value =>
  b.cast(condition, floatTypeOf(dy));

const isPositive = (c: RuleContext): Value => c.b.op('Greater', [c.x(), c.b.scalar(0, c.dy)]);
const isInside = (c: RuleContext, x: Value, low: number, high: number): Value =>
  c.b.mul(
    indicator(c, c.b.op('Greater', [x, c.b.scalar(low, c.dy)])),
    indicator(c, c.b.op('Less', [x, c.b.scalar(high, c.dy)])),
  );
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
  LeakyRelu: elementwise((c) => {
    const slope = c.node.float('alpha') ?? 0.01;
    return c.b.where(isPositive(c), c.dy, c.b.mul(c.dy, slope));
  }),
  Elu: elementwise((c) => {
    const alpha = c.node.float('alpha') ?? 1;
    return c.b.where(isPositive(c), c.dy, c.b.mul(c.dy, c.b.add(c.y(), alpha)));
  }),
  Selu: elementwise((c) => {
    const alpha = c.node.float('alpha') ?? 1.6732632;
    const gamma = c.node.float('gamma') ?? 1.050701;
    const slope = c.b.where(isPositive(c), c.b.scalar(gamma, c.dy), c.b.add(c.y(), alpha * gamma));
    return c.b.mul(c.dy, slope);
  }),
  // max(0, x) + min(0, α(e^(x/α) − 1))
  Celu: elementwise((c) => {
    const alpha = c.node.float('alpha') ?? 1;
    const slope = c.b.add(c.b.mul(c.y(), 1 / alpha), 1);
    return c.b.where(isPositive(c), c.dy, c.b.mul(c.dy, slope));
  }),
  // x·tanh(softplus(x)): t + x·σ(x)·(1 − t²)
  Mish: elementwise((c) => {
    const { b } = c;
    const t = b.op('Tanh', [b.op('Softplus', [c.x()])]);
    const slope = b.mul(b.mul(c.x(), b.op('Sigmoid', [c.x()])), b.sub(1, b.mul(t, t)));
    return b.mul(c.dy, b.add(t, slope));
  }),
  // x·σ(αx): s + αx·s·(1 − s)
  Swish: elementwise((c) => {
    const { b } = c;
    const scaled = b.mul(c.x(), c.node.float('alpha') ?? 1);
    const s = b.op('Sigmoid', [scaled]);
    return b.mul(c.dy, b.add(s, b.mul(scaled, b.mul(s, b.sub(1, s)))));
  }),
  Softsign: elementwise((c) => {
    const denominator = c.b.add(c.b.op('Abs', [c.x()]), 1);
    return c.b.div(c.dy, c.b.mul(denominator, denominator));
  }),
  // max(0, min(1, αx + β))
  HardSigmoid: elementwise((c) => {
    const alpha = c.node.float('alpha') ?? 0.2;
    return c.b.mul(c.dy, c.b.mul(isInside(c, c.y(), 0, 1), alpha));
  }),
  // x·max(0, min(1, x/6 + ½))
  HardSwish: elementwise((c) => {
    const { b } = c;
    const middle = b.mul(isInside(c, c.x(), -3, 3), b.add(b.mul(c.x(), 1 / 3), 0.5));
    const above = indicator(c, b.op('GreaterOrEqual', [c.x(), b.scalar(3, c.dy)]));
    return b.mul(c.dy, b.add(middle, above));
  }),
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
