import { constantScalar } from '../../graph/facts/constants.ts';
import type { Value } from '../../onnx/graph.ts';
import type { RuleContext, RuleTable } from '../rule.ts';

/** d(xᵉ)/dx · dY. An exponent known to be small and whole spares the general power. */
function powerGradient({ b, dy, node, x, y }: PowerParts): Value {
  const exponent = constantScalar(node.inputs[1]);
  if (exponent === 0) return b.mul(dy, b.zerosLike(x));
  if (exponent === 1) return dy;
  if (exponent === 2) return b.mul(b.mul(dy, x), 2);
  if (exponent === 3) return b.mul(b.mul(dy, b.mul(x, x)), 3);
  if (exponent === 0.5) return b.div(b.mul(dy, 0.5), y);
  if (exponent !== undefined) {
    return b.mul(b.mul(dy, exponent), b.op('Pow', [x, b.scalar(exponent - 1, x)]));
  }
  const variable = b.op('CastLike', [node.inputs[1], x]);
  return b.mul(b.mul(dy, variable), b.op('Pow', [x, b.sub(variable, 1)]));
}

interface PowerParts {
  readonly b: RuleContext['b'];
  readonly dy: Value;
  readonly node: RuleContext['node'];
  readonly x: Value;
  readonly y: Value;
}

/** Shares dY among the operands that equal the extreme; equal operands get equal parts. */
function extremeGradients(c: RuleContext): (() => Value)[] {
  const { b, dy } = c;
  const isExtreme = (i: number): Value => b.cast(b.op('Equal', [c.x(i), c.y()]), floatTypeOf(dy));
  const inputs = c.node.inputs.map((_, i) => i);
  const share = (): Value => b.div(dy, inputs.map(isExtreme).reduce(b.add));
  return inputs.map((i) => () => b.mul(share(), isExtreme(i)));
}

export const floatTypeOf = (value: Value): 'float32' | 'float64' | 'float16' =>
  value.type === 'float64' || value.type === 'float16' ? value.type : 'float32';

/** Operators that broadcast: each gradient is summed to its operand's shape by the walk. */
export const arithmeticRules: RuleTable = {
  Add: { broadcasts: true, vjp: ({ dy }) => [() => dy, () => dy] },
  Sub: { broadcasts: true, vjp: ({ b, dy }) => [() => dy, () => b.neg(dy)] },
  Mul: {
    broadcasts: true,
    vjp: (c) => [() => c.b.mul(c.dy, c.x(1)), () => c.b.mul(c.dy, c.x(0))],
  },
  Div: {
    broadcasts: true,
    vjp: (c) => [() => c.b.div(c.dy, c.x(1)), () => c.b.neg(c.b.div(c.b.mul(c.dy, c.y()), c.x(1)))],
  },
  Pow: {
    broadcasts: true,
    vjp: (c) => [() => powerGradient({ b: c.b, dy: c.dy, node: c.node, x: c.x(), y: c.y() })],
  },
  // a − ⌊a/b⌋·b, or the quotient cut off toward 0: away from the jumps the quotient is constant.
  Mod: {
    broadcasts: true,
    vjp: (c) => [() => c.dy, () => c.b.mul(c.dy, c.b.div(c.b.sub(c.y(), c.x(0)), c.x(1)))],
  },
  Sum: { broadcasts: true, vjp: (c) => c.node.inputs.map(() => () => c.dy) },
  Mean: {
    broadcasts: true,
    vjp: (c) => c.node.inputs.map(() => () => c.b.div(c.dy, c.node.inputs.length)),
  },
  Max: { broadcasts: true, vjp: extremeGradients },
  Min: { broadcasts: true, vjp: extremeGradients },
  Where: {
    broadcasts: true,
    vjp: (c) => [
      undefined,
      () => c.b.where(c.x(0), c.dy, c.b.scalar(0, c.dy)),
      () => c.b.where(c.x(0), c.b.scalar(0, c.dy), c.dy),
    ],
  },
  Expand: { broadcasts: true, vjp: ({ dy }) => [() => dy] },
};
