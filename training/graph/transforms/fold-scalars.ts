import { GraphBuilder } from '../../onnx/builder.ts';
import type { Graph, Value } from '../../onnx/graph.ts';
import { floatTensor } from '../../onnx/tensor.ts';
import { Budget } from '../../onnx/walk.ts';
import { constantScalar } from '../facts/constants.ts';

/** Operators of which a single number can be computed beforehand. */
const formulas: Readonly<Record<string, (a: number, b: number) => number>> = {
  Identity: (x) => x,
  Cast: (x) => x,
  Sqrt: (x) => Math.sqrt(x),
  Reciprocal: (x) => 1 / x,
  Mul: (a, b) => a * b,
  Div: (a, b) => a / b,
};

/**
 * Makes constants of single float32 numbers that follow from static dimensions, such as an attention's scale 1/√width,
 * which exporters leave as Shape, Cast, Sqrt and Div. What they were computed by is left to be pruned.
 */
export function foldScalars(graph: Graph): void {
  const b = new GraphBuilder(graph, 'folded');
  for (const { op, domain, outputs } of graph.topologicalOrder()) {
    const [output] = outputs;
    const { type, shape } = output ?? {};
    if (!output || type !== 'float32' || shape?.some((dim) => dim !== 1) !== false) continue;
    const number = domain === '' && Object.hasOwn(formulas, op) ? numberOf(output) : undefined;
    if (number === undefined) continue;
    const dims = shape.map(() => 1);
    graph.replaceUses(output, b.constant(floatTensor(dims, Float32Array.of(number)), 'scalar'));
  }
}

/** So many values are looked at for one number. */
const MOST_VALUES = 24;

/** In float32, as the runtime has it. */
function numberOf(value: Value | undefined, budget = new Budget(MOST_VALUES)): number | undefined {
  if (value === undefined || !budget.take()) return undefined;
  const [known, ...more] = value.content ?? [];
  if (typeof known === 'number' && more.length === 0) return known;
  const constant = constantScalar(value);
  if (constant !== undefined || value.type !== 'float32') return constant;
  const { op = '', domain, inputs = [] } = value.producer ?? {};
  const formula = domain === '' && Object.hasOwn(formulas, op) ? formulas[op] : undefined;
  const numbers = inputs.slice(0, 2).map((input) => numberOf(input, budget));
  if (!formula || !numbers.every((number) => number !== undefined)) return undefined;
  return Math.fround(formula(...(numbers as [number, number])));
}
