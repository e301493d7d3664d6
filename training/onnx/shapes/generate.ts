import { dataTypeOf } from '../data-type.ts';
import { type Dim, divideDims, productOf, type Shape, subtractDims } from '../dim.ts';
import type { Node } from '../graph.ts';
import { numbersOf, type Tensor } from '../tensor.ts';
import { type Content, contentLength, isAtLeast, tensorContent } from './content.ts';
import {
  contentAt,
  filledShape,
  type Inferred,
  opaqueShape,
  type Rule,
  type RuleTable,
  shapeAt,
  typeAt,
} from './rule.ts';

const ofTensor = (tensor: Tensor): Inferred => ({
  type: tensor.type,
  shape: tensor.dims,
  content: tensorContent(tensor),
});

/** The attributes that a Constant may have instead of a tensor. */
const constantForms: Readonly<Record<string, (node: Node, name: string) => Inferred | undefined>> =
  {
    value: (node, name) => {
      const attribute = node.attributes.get(name);
      return attribute?.kind === 'tensor' ? ofTensor(attribute.value) : undefined;
    },
    value_int: (node, name) => ({ type: 'int64', shape: [], content: [node.int(name)] }),
    value_float: () => ({ type: 'float32', shape: [] }),
    value_string: () => ({ type: 'string', shape: [] }),
    value_ints: (node, name) => {
      const list = node.ints(name) ?? [];
      return { type: 'int64', shape: [list.length], content: list.length <= 64 ? list : undefined };
    },
    value_floats: (node, name) => listOf(node, name, 'float32'),
    value_strings: (node, name) => listOf(node, name, 'string'),
  };

function listOf(node: Node, name: string, type: 'float32' | 'string'): Inferred | undefined {
  const value = node.attributes.get(name)?.value;
  return Array.isArray(value) ? { type, shape: [value.length] } : undefined;
}

const constant: Rule = (node) => {
  const name = Object.keys(constantForms).find((form) => node.attributes.has(form));
  return [name === undefined ? undefined : constantForms[name]?.(node, name)];
};

const shape: Rule = (node) => {
  const data = shapeAt(node, 0);
  if (data === undefined) return [{ type: 'int64', shape: opaqueShape(node, 0, 1) }];
  const dims = data.slice(node.int('start') ?? 0, node.int('end') ?? data.length);
  return [{ type: 'int64', shape: [dims.length], content: dims }];
};

const size: Rule = (node) => {
  const data = shapeAt(node, 0);
  return [{ type: 'int64', shape: [], content: data && [productOf(data)] }];
};

/** The shape that input 0 computes. */
function computedShape(node: Node): Shape | undefined {
  const content = contentAt(node, 0);
  if (content !== undefined) return filledShape(node, content);
  const rank = shapeAt(node, 0)?.[0];
  return typeof rank === 'number' ? opaqueShape(node, 0, rank) : undefined;
}

const constantOfShape: Rule = (node) => {
  const value = node.attributes.get('value');
  const fill = value?.kind === 'tensor' ? value.value : undefined;
  const dims = computedShape(node);
  const length = contentLength(dims);
  const known = fill && length !== undefined ? tensorContent(fill)?.[0] : undefined;
  const content =
    known === undefined ? undefined : Array.from({ length: length ?? 0 }, () => known);
  return [{ type: fill?.type ?? 'float32', shape: dims, content }];
};

/** Number of steps from start to limit; undefined where it depends on the symbols. */
function rangeLength(start: Dim, limit: Dim, delta: Dim): Dim | undefined {
  if (typeof start === 'number' && typeof limit === 'number' && typeof delta === 'number') {
    return delta === 0 ? undefined : Math.max(0, Math.ceil((limit - start) / delta));
  }
  const span = subtractDims(limit, start);
  const count = divideDims(span, delta);
  return count !== undefined && isAtLeast(count, 0) ? count : undefined;
}

/** Start, limit and delta of a Range of float constants. */
function floatConstant(node: Node, index: number): number | undefined {
  const value = node.inputs[index];
  const constant =
    value?.producer?.op === 'Constant' ? value.producer.attributes.get('value') : undefined;
  const tensor = value?.initializer ?? (constant?.kind === 'tensor' ? constant.value : undefined);
  return tensor?.type.startsWith('float') && tensor.bytes.length > 0
    ? numbersOf(tensor)[0]
    : undefined;
}

const range: Rule = (node) => {
  const [start, limit, delta] = [0, 1, 2].map(
    (i) => contentAt(node, i)?.[0] ?? floatConstant(node, i),
  );
  const known = start !== undefined && limit !== undefined && delta !== undefined;
  const length = known ? rangeLength(start, limit, delta) : undefined;
  const dims = filledShape(node, [length]);
  const integers = contentAt(node, 0) && contentLength(dims) !== undefined;
  const content: Content | undefined =
    integers && typeof start === 'number' && typeof delta === 'number'
      ? Array.from({ length: contentLength(dims) ?? 0 }, (_, i) => start + i * delta)
      : undefined;
  return [{ type: typeAt(node, 0), shape: dims, content }];
};

const random: Rule = (node) => [
  { type: dataTypeOf(node.int('dtype') ?? 1), shape: node.ints('shape') },
];

export const generateRules: RuleTable = {
  Constant: constant,
  Shape: shape,
  Size: size,
  ConstantOfShape: constantOfShape,
  Range: range,
  RandomUniform: random,
  RandomNormal: random,
};
