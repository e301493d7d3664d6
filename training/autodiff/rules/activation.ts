import type { Value } from '../../onnx/graph.ts';
import type { Rule, RuleContext, RuleTable } from '../rule.ts';

/** dX = dY · derivative. */
const times = (derivative: (c: RuleContext) => Value): Rule => ({
  vjp: (c) => [() => c.b.mul(c.dy, derivative(c))],
});

const isPositive = (c: RuleContext): Value => c.b.op('Greater', [c.x(), c.b.scalar(0, c.dy)]);

/** One derivative above 0, another below. */
const ofSign = (c: RuleContext, above: Value, below: Value): Value =>
  c.b.where(isPositive(c), above, below);

const constant = (c: RuleContext, value: number): Value => c.b.scalar(value, c.dy);
const attribute = (c: RuleContext, name: string, otherwise: number): number =>
  c.node.float(name) ?? otherwise;
const squareOf = ({ b }: RuleContext, x: Value): Value => b.mul(x, x);

/** slope where 0 < slope·x + offset < 1, else 0. */
function hardSigmoidSlope(c: RuleContext, slope: number): Value {
  const { b } = c;
  const inside = b.op('And', [
    b.op('Greater', [c.y(), constant(c, 0)]),
    b.op('Less', [c.y(), constant(c, 1)]),
  ]);
  return b.where(inside, constant(c, slope), constant(c, 0));
}

/** x·max(0, min(1, x/6 + ½)): 0 below −3, 1 above 3, x/3 + ½ between. */
function hardSwishSlope(c: RuleContext): Value {
  const { b } = c;
  const below = b.op('Less', [c.x(), constant(c, -3)]);
  const above = b.op('Greater', [c.x(), constant(c, 3)]);
  const between = b.add(b.mul(c.x(), 1 / 3), 0.5);
  return b.where(below, constant(c, 0), b.where(above, constant(c, 1), between));
}

/** t + x·(1 − t²)·σ(x) with t = tanh(softplus(x)). */
function mishSlope(c: RuleContext): Value {
  const { b } = c;
  const t = b.op('Tanh', [b.op('Softplus', [c.x()])]);
  const inner = b.mul(b.sub(1, squareOf(c, t)), b.op('Sigmoid', [c.x()]));
  return b.add(t, b.mul(c.x(), inner));
}

/** s + αx·s·(1 − s) with s = σ(αx). */
function swishSlope(c: RuleContext): Value {
  const { b } = c;
  const scaled = b.mul(c.x(), attribute(c, 'alpha', 1));
  const s = b.op('Sigmoid', [scaled]);
  return b.add(s, b.mul(scaled, b.mul(s, b.sub(1, s))));
}

/** 1 / √(1 − x²) */
const arcSlope = (c: RuleContext): Value =>
  c.b.op('Reciprocal', [c.b.op('Sqrt', [c.b.sub(1, squareOf(c, c.x()))])]);

/** Activations beside the common ones, and inverse functions of angles. */
export const activationRules: RuleTable = {
  LeakyRelu: times((c) => ofSign(c, constant(c, 1), constant(c, attribute(c, 'alpha', 0.01)))),
  ThresholdedRelu: times((c) => {
    const isAbove = c.b.op('Greater', [c.x(), constant(c, attribute(c, 'alpha', 1))]);
    return c.b.where(isAbove, constant(c, 1), constant(c, 0));
  }),
  Elu: times((c) => ofSign(c, constant(c, 1), c.b.add(c.y(), attribute(c, 'alpha', 1)))),
  Celu: times((c) =>
    ofSign(c, constant(c, 1), c.b.add(c.b.mul(c.y(), 1 / attribute(c, 'alpha', 1)), 1)),
  ),
  Selu: times((c) => {
    const gamma = attribute(c, 'gamma', 1.0507009873554805);
    const alpha = attribute(c, 'alpha', 1.6732632423543772);
    return ofSign(c, constant(c, gamma), c.b.add(c.y(), gamma * alpha));
  }),
  PRelu: {
    broadcasts: true,
    vjp: (c) => [
      () => c.b.mul(c.dy, c.b.where(isPositive(c), constant(c, 1), c.x(1))),
      () => c.b.where(isPositive(c), constant(c, 0), c.b.mul(c.dy, c.x())),
    ],
  },
  HardSigmoid: times((c) => hardSigmoidSlope(c, attribute(c, 'alpha', 0.2))),
  HardSwish: times(hardSwishSlope),
  Mish: times(mishSlope),
  Swish: times(swishSlope),
  Softsign: times((c) => {
    const { b } = c;
    return b.op('Reciprocal', [squareOf(c, b.add(b.op('Abs', [c.x()]), 1))]);
  }),
  Tan: times((c) => c.b.add(squareOf(c, c.y()), 1)),
  Asin: times(arcSlope),
  Acos: times((c) => c.b.neg(arcSlope(c))),
  Atan: times((c) => c.b.op('Reciprocal', [c.b.add(squareOf(c, c.x()), 1)])),
};
