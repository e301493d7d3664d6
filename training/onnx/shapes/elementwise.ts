import { dataTypeOf } from '../data-type.ts';
import { addDims, type Dim, multiplyDims, subtractDims, sumDims } from '../dim.ts';
import type { Node } from '../graph.ts';
import type { DataType } from '../tensor.ts';
import { broadcastShapes } from './broadcast.ts';
import { type Content, comparisons, divideElements, isAtLeast, mapContents } from './content.ts';
import { contentAt, type Rule, type RuleTable, shapeAt, typeAt } from './rule.ts';

type Operation = (...elements: Dim[]) => Dim | undefined;

const each = (ops: string, rule: Rule): RuleTable =>
  Object.fromEntries(
    ops
      .trim()
      .split(/\s+/)
      .map((op) => [op, rule]),
  );

/** Type and shape of the first input. */
export const sameAsFirst: Rule = (node) => [{ type: typeAt(node, 0), shape: shapeAt(node, 0) }];

/** The first input's shape with the element type that an attribute names, if it does. */
const sameShapeTyped =
  (attribute: string): Rule =>
  (node) => {
    const code = node.int(attribute);
    const type = code === undefined ? typeAt(node, 0) : dataTypeOf(code);
    return [{ type, shape: shapeAt(node, 0) }];
  };

const allContents = (node: Node) => node.inputs.map((_, i) => contentAt(node, i));

const unary =
  (operation: Operation, type?: DataType): Rule =>
  (node) => [
    {
      type: type ?? typeAt(node, 0),
      shape: shapeAt(node, 0),
      content: mapContents([contentAt(node, 0)], operation),
    },
  ];

const broadcasting =
  (operation?: Operation, type?: DataType): Rule =>
  (node) => [
    {
      type: type ?? typeAt(node, 0),
      shape: broadcastShapes(
        node,
        node.inputs.map((_, i) => shapeAt(node, i)),
      ),
      content: operation && mapContents(allContents(node), operation),
    },
  ];

const onNumbers =
  (operation: (...numbers: number[]) => number | undefined): Operation =>
  (...elements) =>
    elements.every((element) => typeof element === 'number') ? operation(...elements) : undefined;

/**
 * The greatest (or least) of several elements, where it is the same for every value of the symbols.
 */
const extreme =
  (isBetter: (a: Dim, b: Dim) => boolean): Operation =>
  (...elements) =>
    elements.find((candidate) => elements.every((other) => isBetter(candidate, other)));

const truth = (a: Dim): Dim | undefined => {
  if (typeof a === 'number') return a === 0 ? 0 : 1;
  return isAtLeast(a, 1) ? 1 : undefined;
};

const absolute = (a: Dim): Dim | undefined => {
  if (typeof a === 'number') return Math.abs(a);
  return isAtLeast(a, 0) ? a : undefined;
};

/** Takes the divisor's sign, as Mod does with fmod = 0. */
const modulo = onNumbers((a, b) => (b === 0 ? undefined : a - b * Math.floor(a / b)));

const cast = (node: Node, to: DataType | undefined) => {
  const integer = to === 'int64' || to === 'int32';
  const operation = to === 'bool' ? truth : integer ? (a: Dim) => a : undefined;
  const content = operation && mapContents([contentAt(node, 0)], operation);
  return [{ type: to, shape: shapeAt(node, 0), content }];
};

const where: Rule = (node) => {
  const [condition, a, b] = allContents(node);
  const length = Math.max(...[condition, a, b].map((content) => content?.length ?? 0));
  const at = (content: Content | undefined, i: number) => content?.[content.length === 1 ? 0 : i];
  const choose = (i: number) => {
    const decided = at(condition, i);
    return typeof decided === 'number' ? at(decided ? a : b, i) : undefined;
  };
  const shape = broadcastShapes(node, [shapeAt(node, 0), shapeAt(node, 1), shapeAt(node, 2)]);
  const content = condition && a && b && Array.from({ length }, (_, i) => choose(i));
  return [{ type: typeAt(node, 1) ?? typeAt(node, 2), shape, content }];
};

export const elementwiseRules: RuleTable = {
  ...each(
    `Sqrt Exp Log Erf Tanh Sigmoid Reciprocal Softplus Softsign Relu LeakyRelu Elu Selu Celu PRelu
     ThresholdedRelu HardSigmoid HardSwish Mish Swish Gelu Sign Floor Ceil Round Sin Cos Tan Asin Acos
     Atan Sinh Cosh Asinh Acosh Atanh Clip Shrink BitwiseNot Softmax LogSoftmax Hardmax Trilu CumSum
     CumProd LpNormalization MeanVarianceNormalization InstanceNormalization GroupNormalization
     RMSNormalization RotaryEmbedding ScatterND ScatterElements Scatter ReverseSequence TensorScatter`,
    sameAsFirst,
  ),
  ...each('Bernoulli RandomUniformLike RandomNormalLike EyeLike', sameShapeTyped('dtype')),
  ...each('Pow BitShift BitwiseAnd BitwiseOr BitwiseXor Mean', broadcasting()),
  ...each('IsNaN IsInf', (node) => [{ type: 'bool', shape: shapeAt(node, 0) }]),
  Identity: unary((a) => a),
  Neg: unary((a) => multiplyDims(a, -1)),
  Abs: unary(absolute),
  Not: unary(
    onNumbers((a) => (a ? 0 : 1)),
    'bool',
  ),
  Add: broadcasting(addDims),
  Sub: broadcasting(subtractDims),
  Mul: broadcasting(multiplyDims),
  Div: broadcasting(divideElements),
  Sum: broadcasting((...all) => sumDims(all)),
  Mod: (node, infer) => broadcasting(node.int('fmod') ? undefined : modulo)(node, infer),
  Max: broadcasting(extreme(isAtLeast)),
  Min: broadcasting(extreme((a, b) => isAtLeast(b, a))),
  And: broadcasting(
    onNumbers((a, b) => (a && b ? 1 : 0)),
    'bool',
  ),
  Or: broadcasting(
    onNumbers((a, b) => (a || b ? 1 : 0)),
    'bool',
  ),
  Xor: broadcasting(
    onNumbers((a, b) => (a ? (b ? 0 : 1) : b ? 1 : 0)),
    'bool',
  ),
  Equal: broadcasting(comparisons.Equal, 'bool'),
  Less: broadcasting(comparisons.Less, 'bool'),
  LessOrEqual: broadcasting(comparisons.LessOrEqual, 'bool'),
  Greater: broadcasting(comparisons.Greater, 'bool'),
  GreaterOrEqual: broadcasting(comparisons.GreaterOrEqual, 'bool'),
  Where: where,
  Cast: (node) => cast(node, dataTypeOf(node.int('to') ?? 0)),
  CastLike: (node) => cast(node, typeAt(node, 1)),
};
