import type { Node, Value } from '../../onnx/graph.ts';
import {
  type DataType,
  elementCount,
  floatTensor,
  hasNumbers,
  intTensor,
  isFloat,
  numbersOf,
  scalarTensor,
  type Tensor,
} from '../../onnx/tensor.ts';
import { Budget, behind } from '../../onnx/walk.ts';
import { passes } from './passing.ts';

/** The tensor that a Constant node gives, in whichever of its attributes it stands; undefined for strings. */
export function constantTensor({ op, domain, attributes }: Node): Tensor | undefined {
  if (op !== 'Constant' || domain !== '') return undefined;
  for (const [name, attribute] of attributes) {
    const { kind, value } = attribute;
    if (name === 'value' && kind === 'tensor') return value;
    if (name === 'value_float' && kind === 'float') return scalarTensor('float32', value);
    if (name === 'value_int' && kind === 'int') return intTensor([], [Number(value)]);
    if (name === 'value_floats' && kind === 'floats')
      return floatTensor([value.length], Float32Array.from(value));
    if (name === 'value_ints' && kind === 'ints')
      return intTensor([value.length], value.map(Number));
  }
  return undefined;
}

/**
 * The tensor that a value is where nothing else computes it: an initializer, also one that old files list among the inputs,
 * where it is the default that nobody replaces here; or a Constant node's.
 */
export function givenTensor({ initializer, producer }: Value): Tensor | undefined {
  return initializer ?? (producer && constantTensor(producer));
}

/** The tensor that a value always is, perhaps passed on; where it is cast, as it was before. */
export function constantOf(value: Value | undefined): Tensor | undefined {
  return value && givenTensor(behind(value, passes('type')));
}

/** The integers that a value always holds; undefined where they depend on the input, or are no integers. */
export function constantInts(value: Value | undefined): readonly number[] | undefined {
  const { content } = value ?? {};
  if (content?.every((dim) => typeof dim === 'number')) return content;
  const tensor = constantOf(value);
  return tensor && integers.has(tensor.type) ? numbersOf(tensor) : undefined;
}

const integers: ReadonlySet<DataType> = new Set([
  'int64',
  'int32',
  'int16',
  'int8',
  'uint8',
  'bool',
]);

type Evaluate = (...operands: readonly number[]) => number;

/** Exporters compute scales from shapes: `1 / sqrt(cast(shape(q)[-1]))`. */
const operators: ReadonlyMap<string, Evaluate> = new Map<string, Evaluate>([
  ['Add', (a = Number.NaN, b = Number.NaN) => a + b],
  ['Sub', (a = Number.NaN, b = Number.NaN) => a - b],
  ['Mul', (a = Number.NaN, b = Number.NaN) => a * b],
  ['Div', (a = Number.NaN, b = Number.NaN) => a / b],
  ['Pow', (a = Number.NaN, b = Number.NaN) => a ** b],
  ['Sqrt', (a = Number.NaN) => Math.sqrt(a)],
  ['Reciprocal', (a = Number.NaN) => 1 / a],
  ['Neg', (a = Number.NaN) => -a],
]);

/** Whether a node computes one number from others. */
export const isArithmetic = ({ op, domain }: Node): boolean => domain === '' && operators.has(op);

/** Operators that change the form or the type of one number, not the number. */
const transparent = passes('type', 'form');

/** So many nodes are looked at for one number. */
const MOST_NODES = 24;

/**
 * The one number that a value always is, as its type holds it; undefined where it is another thing or depends on the
 * inputs. Also where the graph computes it from constants and from static dimensions.
 */
export const constantScalar = (value: Value | undefined): number | undefined =>
  numberOf(value, new Budget(MOST_NODES));

function numberOf(value: Value | undefined, budget: Budget): number | undefined {
  if (value === undefined) return undefined;
  const given = givenTensor(value);
  if (given) return singleNumber(given);
  const [known, ...more] = value.content ?? [];
  if (typeof known === 'number' && more.length === 0) return known;
  const number = value.producer && computed(value.producer, budget);
  return number === undefined ? undefined : held(number, value.type);
}

function singleNumber(tensor: Tensor): number | undefined {
  if (elementCount(tensor.dims) !== 1 || !hasNumbers(tensor)) return undefined;
  return numbersOf(tensor)[0];
}

function computed(node: Node, budget: Budget): number | undefined {
  if (node.domain !== '' || !budget.take()) return undefined;
  if (transparent(node)) return numberOf(node.inputs[0], budget);
  const evaluate = operators.get(node.op);
  if (evaluate === undefined) return undefined;
  const operands = node.inputs.slice(0, 2).map((input) => numberOf(input, budget));
  return operands.every((operand) => operand !== undefined) ? evaluate(...operands) : undefined;
}

/** As the runtime has it: float32 is rounded, integers are cut. */
function held(number: number, type: DataType | undefined): number {
  if (type === 'float32') return Math.fround(number);
  if (type === 'bool') return number === 0 ? 0 : 1;
  return type === undefined || isFloat(type) ? number : Math.trunc(number);
}
