import { type Einsum, formatEinsum, parseEinsum } from '../../onnx/einsum.ts';
import type { Value } from '../../onnx/graph.ts';
import type { RuleContext, RuleTable } from '../rule.ts';

/**
 * The gradient of operand i is an Einsum too: dY in its place, and the operand's labels for the result. Labels that
 * nothing else has were summed over: along these axes the gradient is constant.
 */
function operandGradient(c: RuleContext, { operands, result }: Einsum, i: number): Value {
  const { b, dy } = c;
  const labels = operands[i] ?? [];
  if (new Set(labels).size < labels.length)
    throw c.unsupported(`its operand ${i} has a label twice, in "${c.node.string('equation')}"`);
  const others = operands.flatMap((term, k) => (k === i ? [] : [{ term, value: c.x(k) }]));
  const known = new Set([...result, ...others.flatMap(({ term }) => term)]);
  const kept = labels.filter((label) => known.has(label));
  const equation = formatEinsum({
    operands: [result, ...others.map(({ term }) => term)],
    result: kept,
  });
  const product =
    result.length === 0 && others.length === 0
      ? dy
      : b.op('Einsum', [dy, ...others.map(({ value }) => value)], { equation });
  if (kept.length === labels.length) return product;
  const lost = labels.flatMap((label, axis) => (known.has(label) ? [] : [axis]));
  return b.expandLike(b.unsqueeze(product, lost), c.x(i));
}

export const einsumRules: RuleTable = {
  Einsum: {
    vjp: (c) => {
      const ranks = c.node.inputs.map((_, i) => c.rank(i));
      const equation = parseEinsum(c.node.string('equation') ?? '', ranks);
      return ranks.map((_, i) => () => operandGradient(c, equation, i));
    },
  },
};
