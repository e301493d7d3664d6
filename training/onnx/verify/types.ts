import { nameShown } from '../../../src/files/index.ts';
import { formatShape } from '../dim.ts';
import type { Graph, Node, Value } from '../graph.ts';
import { ruleOf } from '../shapes/rules.ts';
import { type DataType, isFloat } from '../tensor.ts';
import type { VerifyRule } from './rule.ts';

/** Inputs that must have one element type, by operator; 'all' for every input. */
const sameType: Readonly<Record<string, readonly number[] | 'all'>> = {
  ...Object.fromEntries(
    `Add Sub Mul Div Mod Min Max Sum Mean MatMul Gemm Concat Equal Less LessOrEqual Greater GreaterOrEqual
     And Or Xor PRelu Clip Range`
      .split(/\s+/)
      .map((op) => [op, 'all'] as const),
  ),
  Where: [1, 2],
  ScatterND: [0, 2],
  ScatterElements: [0, 2],
};

const integers: readonly DataType[] = ['int64', 'int32'];

/** Element types that one input of an operator may have. */
const inputTypes: Readonly<Record<string, Readonly<Record<number, readonly DataType[]>>>> = {
  Where: { 0: ['bool'] },
  Not: { 0: ['bool'] },
  And: { 0: ['bool'] },
  Or: { 0: ['bool'] },
  If: { 0: ['bool'] },
  Gather: { 1: integers },
  GatherElements: { 1: integers },
  GatherND: { 1: ['int64'] },
  ScatterND: { 1: ['int64'] },
  ScatterElements: { 1: integers },
  Reshape: { 1: ['int64'] },
  Expand: { 1: ['int64'] },
  Squeeze: { 1: ['int64'] },
  Unsqueeze: { 1: ['int64'] },
  ReduceSum: { 1: ['int64'] },
  Slice: { 1: integers, 2: integers, 3: integers, 4: integers },
  Tile: { 1: ['int64'] },
  Pad: { 1: ['int64'] },
  Split: { 1: ['int64'] },
  ConstantOfShape: { 0: ['int64'] },
};

/** Attributes that an operator cannot do without. */
const requiredAttributes: Readonly<Record<string, readonly string[]>> = {
  Cast: ['to'],
  Concat: ['axis'],
  If: ['then_branch', 'else_branch'],
  Loop: ['body'],
  Scan: ['body', 'num_scan_inputs'],
};

/** Operators whose `axis` counts axes of their first input. */
const axisOps = new Set(
  'Softmax LogSoftmax Gather GatherElements Concat Split LayerNormalization ArgMax ArgMin TopK'.split(
    ' ',
  ),
);

const ofDefaultDomain = (graph: Graph): Node[] =>
  [...graph.nodes].filter((node) => node.domain === '');

function checkSameTypes(graph: Graph): string[] {
  return ofDefaultDomain(graph).flatMap((node) => {
    const which = Object.hasOwn(sameType, node.op) ? sameType[node.op] : undefined;
    if (which === undefined) return [];
    const inputs = which === 'all' ? node.inputs : which.map((index) => node.inputs[index]);
    const types = new Set(inputs.flatMap((value) => value?.type ?? []));
    return types.size <= 1 ? [] : [`${node} mixes inputs of types ${[...types].join(' and ')}`];
  });
}

function checkInputTypes(graph: Graph): string[] {
  return ofDefaultDomain(graph).flatMap((node) => {
    const allowed = Object.hasOwn(inputTypes, node.op) ? (inputTypes[node.op] ?? {}) : {};
    return Object.entries(allowed).flatMap(([index, types]) => {
      const type = node.inputs[Number(index)]?.type;
      if (type === undefined || types.includes(type)) return [];
      return [`input ${index} of ${node} is ${type}; it must be ${types.join(' or ')}`];
    });
  });
}

function checkAttributes(graph: Graph): string[] {
  return ofDefaultDomain(graph).flatMap((node) => {
    const required = Object.hasOwn(requiredAttributes, node.op) ? requiredAttributes[node.op] : [];
    const missing = (required ?? []).filter((name) => !node.attributes.has(name));
    return missing.map((name) => `${node} lacks the attribute ${nameShown(name)}`);
  });
}

function checkAxes(graph: Graph): string[] {
  return ofDefaultDomain(graph).flatMap((node) => {
    const [axis, shape, perm] = [node.int('axis'), node.inputs[0]?.shape, node.ints('perm')];
    if (shape === undefined) return [];
    const rank = shape.length;
    if (axisOps.has(node.op) && axis !== undefined && (axis < -rank || axis >= rank)) {
      return [`${node} names axis ${axis} of ${formatShape(shape)}`];
    }
    const isPermutation =
      perm === undefined || (perm.length === rank && new Set(perm).size === rank);
    return node.op !== 'Transpose' || isPermutation
      ? []
      : [`${node} permutes ${formatShape(shape)} by [${perm?.join(', ')}]`];
  });
}

const controlFlow = new Set(['If', 'Loop', 'Scan']);

const isKnown = (value: Value | undefined): boolean =>
  value === undefined ||
  (value.type !== undefined && (!isFloat(value.type) || value.shape !== undefined));

/**
 * Values whose type inference should have found: of control flow and foreign operators it need not
 * be known, nor of what is made from those.
 */
function checkTypesKnown(graph: Graph): string[] {
  const inputs = graph.outer === undefined ? graph.inputs : [];
  const ends = new Set(graph.outputs);
  const outputs = [...graph.nodes]
    .filter((node) => ruleOf(node) !== undefined && !controlFlow.has(node.op))
    .filter((node) => node.inputs.every(isKnown))
    .flatMap((node) =>
      node.outputs.flatMap((value) =>
        value && (value.uses.size > 0 || ends.has(value)) ? [value] : [],
      ),
    );
  return [...inputs, ...outputs].flatMap((value) => {
    const place = value.producer ? ` (of ${value.producer})` : '';
    if (value.type === undefined)
      return [`the element type of ${nameShown(value.name)}${place} is not known`];
    if (isFloat(value.type) && value.shape === undefined)
      return [`the rank of ${nameShown(value.name)}${place} is not known`];
    return [];
  });
}

export const typeRules: readonly VerifyRule[] = [
  { name: 'operands have one type', check: checkSameTypes },
  { name: 'inputs have a type their operator takes', check: checkInputTypes },
  { name: 'required attributes are there', check: checkAttributes },
  { name: 'axes exist', check: checkAxes },
  { name: 'types and ranks are known', check: checkTypesKnown },
];
