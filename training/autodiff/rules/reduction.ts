import { constantInts } from '../../graph/facts/constants.ts';
import { productOf } from '../../onnx/dim.ts';
import type { Value } from '../../onnx/graph.ts';
import type { Rule, RuleContext, RuleTable } from '../rule.ts';
import { floatTypeOf } from './arithmetic.ts';

/** The reduced axes, counted from the front: an attribute in older operator sets, an input in newer ones. */
function reducedAxes(c: RuleContext): readonly number[] {
  const input = c.node.inputs[1];
  const axes = c.node.ints('axes') ?? (input && constantInts(input));
  if (input && axes === undefined) throw c.unsupported('its axes are computed at run time');
  if (axes !== undefined && axes.length > 0) return axes.map((axis) => c.axis(axis));
  const none = c.node.int('noop_with_empty_axes') === 1;
  return none ? [] : c.shape().map((_, i) => i);
}

/** A value of the output's shape with the reduced axes back as 1. */
function keepAxes(c: RuleContext, value: Value): Value {
  const axes = reducedAxes(c);
  return c.node.int('keepdims') === 0 && axes.length > 0 ? c.b.unsqueeze(value, axes) : value;
}

const spread = (c: RuleContext, value: Value): Value => c.b.expandLike(keepAxes(c, value), c.x());

/** value ÷ the number of elements that each output is made from: those of the input along these axes. */
export function divideByCount(c: RuleContext, value: Value, axes: readonly number[]): Value {
  const count = productOf(axes.map((axis) => c.shape()[axis] ?? 1));
  if (typeof count === 'number') return c.b.mul(value, 1 / count);
  const known = c.b.dims([count]);
  const size = known ?? c.b.op('ReduceProd', [gatherDims(c, axes)], { keepdims: 1 });
  return c.b.div(value, c.b.cast(size, floatTypeOf(value)));
}

const gatherDims = (c: RuleContext, axes: readonly number[]): Value =>
  c.b.op('Gather', [c.b.shapeOf(c.x()), c.b.ints(axes)], { axis: 0 });

/** To the extreme elements; ties share equally. */
const extreme: Rule = {
  vjp: (c) => [
    () => {
      const hit = c.b.cast(c.b.op('Equal', [c.x(), keepAxes(c, c.y())]), floatTypeOf(c.dy));
      const hits = c.b.reduceSum(hit, reducedAxes(c));
      return c.b.mul(hit, c.b.div(keepAxes(c, c.dy), hits));
    },
  ],
};

const reduction = (derivative: (c: RuleContext) => Value): Rule => ({
  vjp: (c) => [() => derivative(c)],
});

/** dY times the product of the other elements, right where one of them or several are 0 too. */
function productGradient(c: RuleContext): Value {
  const { b, dy } = c;
  const axes = reducedAxes(c);
  const zero = b.scalar(0, dy);
  const isZero = b.op('Equal', [c.x(), zero]);
  const zeros = b.reduceSum(b.cast(isZero, floatTypeOf(dy)), axes);
  const rest = b.where(isZero, b.scalar(1, dy), c.x());
  const attributes = { keepdims: 1 } as const;
  const product =
    axes.length === 0
      ? rest
      : c.node.graph.opset < 18
        ? b.op('ReduceProd', [rest], { ...attributes, axes })
        : b.op('ReduceProd', [rest, b.ints(axes)], attributes);
  const isOnly = b.op('Equal', [zeros, b.cast(isZero, floatTypeOf(dy))]);
  return b.mul(b.where(isOnly, b.div(product, rest), zero), keepAxes(c, dy));
}

export const reductionRules: RuleTable = {
  ReduceSum: reduction((c) => spread(c, c.dy)),
  ReduceMean: reduction((c) =>
    c.b.expandLike(divideByCount(c, keepAxes(c, c.dy), reducedAxes(c)), c.x()),
  ),
  ReduceMax: extreme,
  ReduceMin: extreme,
  ReduceSumSquare: reduction((c) => c.b.mul(c.b.mul(c.x(), 2), keepAxes(c, c.dy))),
  ReduceL1: reduction((c) => c.b.mul(c.b.op('Sign', [c.x()]), keepAxes(c, c.dy))),
  // 0 where all elements are: of the slopes there, the one that PyTorch takes.
  ReduceL2: reduction((c) => {
    const { b, dy } = c;
    const isZero = b.op('Equal', [c.y(), b.scalar(0, dy)]);
    const share = b.where(isZero, b.scalar(0, dy), b.div(dy, c.y()));
    return b.mul(c.x(), keepAxes(c, share));
  }),
  ReduceLogSum: reduction((c) => spread(c, c.b.mul(c.dy, c.b.op('Exp', [c.b.neg(c.y())])))),
  ReduceLogSumExp: reduction((c) => {
    const shares = c.b.op('Exp', [c.b.sub(c.x(), keepAxes(c, c.y()))]);
    return c.b.mul(shares, keepAxes(c, c.dy));
  }),
  ReduceProd: reduction(productGradient),
};
