import type { Node, Value } from '../onnx/graph.ts';
import { constantScalar } from './constants.ts';

/** x·Φ(x) written out as ½x(1 + erf(x/√2)). */
export interface WrittenGelu {
  readonly x: Value;
  /** The node of the product. */
  readonly node: Node;
}

/**
 * The GELU that a product of the graph completes, in any order of its three factors x, ½ and 1 + erf(x/√2);
 * its inner values may be read by nothing else. Differentiated as a whole it needs x alone to be kept.
 */
export function writtenGelu(node: Node): WrittenGelu | undefined {
  if (node.op !== 'Mul') return undefined;
  const factors = factorsOf(node);
  const raised = factors.find((factor) => factor.producer?.op === 'Add');
  const half = factors.filter((factor) => near(constantScalar(factor), 0.5));
  const x = raised && erfArgument(raised);
  const isProduct = factors.length === 3 && half.length === 1 && x && factors.includes(x);
  return isProduct ? { x, node } : undefined;
}

/** The factors of a product of three: one of its operands is a product that nothing else reads. */
function factorsOf(node: Node): Value[] {
  const operands = node.inputs.filter((input) => input !== undefined);
  const inner = operands.find((value) => value.producer?.op === 'Mul' && isReadOnce(value));
  if (inner?.producer === undefined) return [];
  const others = operands.filter((value) => value !== inner);
  return [...others, ...inner.producer.inputs.filter((input) => input !== undefined)];
}

/** The x of 1 + erf(x/√2). */
function erfArgument(raised: Value): Value | undefined {
  const erf = operandBeside(raised, 1);
  if (!isReadOnce(raised) || erf?.producer?.op !== 'Erf' || !isReadOnce(erf)) return undefined;
  const scaled = erf.producer.inputs[0];
  if (scaled === undefined || !isReadOnce(scaled)) return undefined;
  if (scaled.producer?.op === 'Mul') return operandBeside(scaled, Math.SQRT1_2);
  const [x, divisor] = scaled.producer?.inputs ?? [];
  return scaled.producer?.op === 'Div' && near(constantScalar(divisor), Math.SQRT2) ? x : undefined;
}

/** The other operand of a sum or product with a constant. */
function operandBeside(value: Value, constant: number): Value | undefined {
  const [a, b] = value.producer?.inputs ?? [];
  if (near(constantScalar(b), constant)) return a;
  return near(constantScalar(a), constant) ? b : undefined;
}

const isReadOnce = (value: Value): boolean => value.uses.size === 1;

/** Exporters write √2 with the precision of the model's type. */
const near = (value: number | undefined, wanted: number): boolean =>
  value !== undefined && Math.abs(value - wanted) < 1e-3 * wanted;
