import { constantScalar } from '../graph/facts/constants.ts';
import { sameShape } from '../onnx/dim.ts';
import type { Node, Value } from '../onnx/graph.ts';

/** x·Φ(x) written out as ½x(1 + erf(x/√2)). */
export interface WrittenGelu {
  readonly x: Value;
  /** The values between x and the product; nothing else reads them. */
  readonly inner: readonly Value[];
}

/**
 * The GELU that a product of the graph completes, its three factors x, ½ and 1 + erf(x/√2) in any order.
 * Differentiated as a whole it needs x alone to be kept, and the runtime can compute it in one pass.
 */
export function writtenGelu(node: Node): WrittenGelu | undefined {
  const [a, b] = node.inputs;
  if (node.op !== 'Mul' || !a || !b) return undefined;
  return geluOf(node, a, b) ?? geluOf(node, b, a);
}

/** The GELU that `node`, a product of a product and another factor, may be. */
function geluOf(node: Node, product: Value, other: Value): WrittenGelu | undefined {
  if (product.producer?.op !== 'Mul') return undefined;
  const factors = [other, ...product.producer.inputs.filter((value) => value !== undefined)];
  const isHalved = factors.filter((factor) => near(factor, 0.5)).length === 1;
  const erf = factors.flatMap((factor) => raisedErf(factor) ?? [])[0];
  if (!erf || !isHalved || !factors.includes(erf.x)) return undefined;
  const shape = node.outputs[0]?.shape;
  if (!erf.x.shape || !shape || !sameShape(erf.x.shape, shape)) return undefined;
  const inner = [product, ...erf.inner];
  return inner.every(({ uses }) => uses.size === 1) ? { x: erf.x, inner } : undefined;
}

/** The x of 1 + erf(x/√2). */
function raisedErf(raised: Value): WrittenGelu | undefined {
  const erf = raised.producer?.op === 'Add' ? operandBeside(raised, 1) : undefined;
  const scaled = erf?.producer?.op === 'Erf' ? erf.producer.inputs[0] : undefined;
  const x = scaled && unscaled(scaled);
  return erf && scaled && x && { x, inner: [raised, erf, scaled] };
}

/** The x of x/√2. */
function unscaled(scaled: Value): Value | undefined {
  if (scaled.producer?.op === 'Mul') return operandBeside(scaled, Math.SQRT1_2);
  const [x, divisor] = scaled.producer?.inputs ?? [];
  return scaled.producer?.op === 'Div' && near(divisor, Math.SQRT2) ? x : undefined;
}

/** The other operand of a sum or product with a constant. */
function operandBeside(value: Value, constant: number): Value | undefined {
  const [a, b] = value.producer?.inputs ?? [];
  if (near(b, constant)) return a;
  return near(a, constant) ? b : undefined;
}

/** Is it this constant, as precisely as float32 holds it? */
function near(value: Value | undefined, wanted: number): boolean {
  const constant = constantScalar(value);
  return constant !== undefined && Math.abs(constant - wanted) < 1e-6;
}
