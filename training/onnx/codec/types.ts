import { clone, create } from '@bufbuild/protobuf';
import { AppError } from '../../../src/errors.ts';
import { nameShown } from '../../../src/files/index.ts';
import { dataTypeCode, dataTypeOf } from '../data-type.ts';
import { type Dim, multiplyDims, type Shape, sumDims, symbolicDim } from '../dim.ts';
import type { Value } from '../graph.ts';
import { limits } from '../limits.ts';
import {
  type TensorShapeProto,
  type TensorShapeProto_Dimension,
  TensorShapeProto_DimensionSchema,
  TensorShapeProtoSchema,
  TypeProto_TensorSchema,
  TypeProtoSchema,
  type ValueInfoProto,
  ValueInfoProtoSchema,
} from '../proto/onnx_pb.ts';
import { isOpaque, opaqueDim } from '../shapes/rule.ts';
import { valueExtras } from './extras.ts';

/** A product of integers and names, such as `2*batch*sequence`. */
const factor = /^(?:-?\d+|[A-Za-z_][\w.]*)$/;

/**
 * A named dimension. Sums of products are taken as such (exporters write `batch*sequence`, and so
 * do we);
 * any other text is a symbol of its own. Undefined where the text says that nothing is known.
 */
export function parseDim(text: string): Dim | undefined {
  if (text === '' || text.startsWith('?')) return undefined;
  const terms = text.split('+').map((term) => term.split('*').map((part) => part.trim()));
  if (!terms.flat().every((part) => factor.test(part))) return symbolicDim(text);
  const dim = sumDims(
    terms
      .map((parts) => parts.map((p) => (/^-?\d/.test(p) ? Number(p) : symbolicDim(p))))
      .map((dims) => dims.reduce<Dim>(multiplyDims, 1)),
  );
  if (typeof dim === 'number' && !isSize(dim)) return undefined;
  return isOpaque(dim) ? symbolicDim(text) : dim;
}

const isSize = (dim: number): boolean => dim >= 0 && dim <= limits.dimension;

function decodeDim(
  { value }: TensorShapeProto_Dimension,
  axis: number,
  of: Value,
): Dim | undefined {
  if (value.case === 'dimParam') return parseDim(value.value);
  if (value.case !== 'dimValue') return undefined;
  // Some tools write −1 for a dimension that they do not know.
  if (value.value < 0n) return undefined;
  if (value.value > BigInt(limits.dimension)) {
    throw new AppError(
      'model_invalid',
      `dimension ${axis} of ${nameShown(of.name)} is ${value.value}: expected at most ${limits.dimension} (2^53 - 1)`,
    );
  }
  return Number(value.value);
}

/**
 * Takes type and shape from a description; other kinds of types (sequences, maps) stay with the
 * codec.
 */
export function applyInfo(value: Value, info: ValueInfoProto): void {
  const type = info.type?.value;
  if (type?.case !== 'tensorType') return;
  value.type ??= dataTypeOf(type.value.elemType);
  const dims = type.value.shape?.dim;
  if (dims && dims.length > limits.axes) {
    throw new AppError(
      'model_invalid',
      `${nameShown(value.name)} has ${dims.length} axes: at most ${limits.axes} are read`,
    );
  }
  value.shape ??= dims?.map((dim, axis) => decodeDim(dim, axis, value) ?? opaqueDim(value, axis));
}

function encodeShape(shape: Shape, before: TensorShapeProto | undefined): TensorShapeProto {
  const dim = shape.map((size, axis) => {
    const denotation = before?.dim[axis]?.denotation;
    const proto = create(TensorShapeProto_DimensionSchema, denotation ? { denotation } : {});
    if (typeof size === 'number') proto.value = { case: 'dimValue', value: BigInt(size) };
    else if (!isOpaque(size)) proto.value = { case: 'dimParam', value: size.key };
    return proto;
  });
  return create(TensorShapeProtoSchema, { dim });
}

/** A value's description: what the file said of it, with the type and shape that are known now. */
export function encodeInfo(value: Value): ValueInfoProto {
  const before = valueExtras(value)?.info;
  const info = before ? clone(ValueInfoProtoSchema, before) : create(ValueInfoProtoSchema);
  info.name = value.name;
  if (value.type === undefined) return info;
  const old = info.type?.value.case === 'tensorType' ? info.type.value.value.shape : undefined;
  const tensor = create(TypeProto_TensorSchema, { elemType: dataTypeCode(value.type) });
  if (value.shape !== undefined) tensor.shape = encodeShape(value.shape, old);
  info.type ??= create(TypeProtoSchema);
  info.type.value = { case: 'tensorType', value: tensor };
  return info;
}
