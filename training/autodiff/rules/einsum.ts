import type { Value } from '../../onnx/graph.ts';
import { expandedEquation } from '../../onnx/shapes/einsum.ts';
import { sumToShapeOf } from '../broadcast.ts';
import type { InputGradient, RuleContext, RuleTable } from '../rule.ts';
import { floatTypeOf } from './arithmetic.ts';

/**
 * The gradient of an Einsum is one: dX of X[s] is Σ dY[o]·others, read out as s. Letters of X that stand nowhere else were
 * summed over alone: its gradient is the same along them. A letter that stands twice in X picks a diagonal:
 * elsewhere its gradient is 0.
 */
function einsumGradients(c: RuleContext): InputGradient[] {
  const equation = c.node.string('equation') ?? '';
  const ranks = c.node.inputs.map((_, i) => c.rank(i));
  const { terms, result } = expandedEquation(equation, ranks) ?? {};
  if (!terms || result === undefined) throw c.unsupported(`its equation is not known`);
  return terms.map((term, i) => () => {
    const others = terms.flatMap((letters, k) => (k === i ? [] : [[letters, c.x(k)] as const]));
    const operands = [[result, c.dy] as const, ...others];
    const once = distinct(term);
    const shared = once.filter((letter) => operands.some(([letters]) => letters.includes(letter)));
    const inputs = operands.map(([letters]) => letters.join('')).join(',');
    const product = c.b.op(
      'Einsum',
      operands.map(([, value]) => value),
      { equation: `${inputs}->${shared.join('')}` },
    );
    const whole = onDiagonals(c, unsqueezed(c, product, term, shared), term);
    const isWhole = shared.length === term.length;
    return isWhole
      ? sumToShapeOf(c.b, whole, c.x(i))
      : c.b.expandLike(reduced(c, whole, i), c.x(i));
  });
}

const distinct = (letters: readonly string[]): string[] => [...new Set(letters)];

/** An axis of 1 for each letter that the product lacks, and for each further place of a letter. */
function unsqueezed(
  c: RuleContext,
  product: Value,
  term: readonly string[],
  shared: readonly string[],
): Value {
  const missing = term.flatMap((letter, axis) =>
    shared.includes(letter) && term.indexOf(letter) === axis ? [] : [axis],
  );
  return missing.length === 0 ? product : c.b.unsqueeze(product, missing);
}

/** Times 1 where the places of a repeated letter are equal, and 0 elsewhere. */
function onDiagonals(c: RuleContext, value: Value, term: readonly string[]): Value {
  const { b } = c;
  const repeats = term.flatMap((letter, axis) => {
    const first = term.indexOf(letter);
    return first === axis ? [] : [[first, axis] as const];
  });
  return repeats.reduce((masked, [first, axis]) => {
    const size = b.op('Gather', [b.op('Shape', [masked]), b.scalar(first, 'int64')], { axis: 0 });
    const numbers = b.op('Range', [b.scalar(0, 'int64'), size, b.scalar(1, 'int64')]);
    const along = (at: number): Value => b.unsqueeze(numbers, others(term.length, at));
    const isEqual = b.op('Equal', [along(first), along(axis)]);
    return b.mul(masked, b.cast(isEqual, floatTypeOf(masked)));
  }, value);
}

const others = (rank: number, axis: number): number[] =>
  Array.from({ length: rank }, (_, i) => i).filter((i) => i !== axis);

/** Summed along the axes where input i was repeated; those that it is to be expanded along stay 1. */
function reduced(c: RuleContext, value: Value, i: number): Value {
  const axes = c
    .shape(i)
    .flatMap((dim, axis) => (dim === 1 && value.shape?.[axis] !== 1 ? [axis] : []));
  return c.b.reduceSum(value, axes);
}

export const einsumRules: RuleTable = { Einsum: { vjp: einsumGradients } };
