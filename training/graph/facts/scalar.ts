import type { Node, Value } from '../../onnx/graph.ts';
import { elementCount, hasNumbers, isFloat, numbersOf } from '../../onnx/tensor.ts';
import { Budget } from '../../onnx/walk.ts';

type Evaluate = (...operands: readonly number[]) => number;

/** Exporters compute scales from shapes: `1 / sqrt(cast(shape(q)[-1]))`. */
const operators: Readonly<Record<string, Evaluate>> = {
  Add: (a = Number.NaN, b = Number.NaN) => a + b,
  Sub: (a = Number.NaN, b = Number.NaN) => a - b,
  Mul: (a = Number.NaN, b = Number.NaN) => a * b,
  Div: (a = Number.NaN, b = Number.NaN) => a / b,
  Pow: (a = Number.NaN, b = Number.NaN) => a ** b,
  Sqrt: (a = Number.NaN) => Math.sqrt(a),
  Reciprocal: (a = Number.NaN) => 1 / a,
  Neg: (a = Number.NaN) => -a,
};

/** Operators that change the form or the type of one number, not the number. */
const transparent = new Set(['Identity', 'Cast', 'Unsqueeze', 'Squeeze', 'Reshape', 'CastLike']);

/** So many nodes are looked at for one number. */
const MOST_NODES = 24;

/** The one number that a value always is; undefined where it is another thing or depends on the inputs. */
export const scalarOf = (value: Value | undefined): number | undefined =>
  numberOf(value, new Budget(MOST_NODES));

function numberOf(value: Value | undefined, budget: Budget): number | undefined {
  if (value === undefined) return undefined;
  if (value.initializer) {
    const { dims, type } = value.initializer;
    const numeric = isFloat(type) || /^u?int(8|16|32|64)$/.test(type);
    return elementCount(dims) === 1 && numeric && hasNumbers(value.initializer)
      ? numbersOf(value.initializer)[0]
      : undefined;
  }
  const [known, ...more] = value.content ?? [];
  if (typeof known === 'number' && more.length === 0) return known;
  return value.producer && computed(value.producer, budget);
}

function computed(node: Node, budget: Budget): number | undefined {
  if (node.domain !== '' || !budget.take()) return undefined;
  if (node.op === 'Constant') {
    const attribute = node.attributes.get('value') ?? node.attributes.get('value_float');
    if (attribute?.kind === 'float') return attribute.value;
    if (attribute?.kind !== 'tensor' || elementCount(attribute.value.dims) !== 1) return undefined;
    if (!hasNumbers(attribute.value)) return undefined;
    return numbersOf(attribute.value)[0];
  }
  if (transparent.has(node.op)) return numberOf(node.inputs[0], budget);
  const evaluate = Object.hasOwn(operators, node.op) ? operators[node.op] : undefined;
  if (evaluate === undefined) return undefined;
  const operands = node.inputs.slice(0, 2).map((input) => numberOf(input, budget));
  return operands.every((operand) => operand !== undefined) ? evaluate(...operands) : undefined;
}
