import { clone, create } from '@bufbuild/protobuf';
import { AppError } from '../../../src/errors.ts';
import type { Attribute } from '../attributes.ts';
import type { Graph } from '../graph.ts';
import {
  type AttributeProto,
  AttributeProtoSchema,
  type GraphProto,
  AttributeProto_AttributeType as Kind,
} from '../proto/onnx_pb.ts';
import { encodeTensor } from './encode-tensor.ts';

const limit = 2 ** 63;

/** An integer as int64; what lies outside is clamped. */
function int64(value: number, name: string): bigint {
  if (Number.isNaN(value) || (Number.isFinite(value) && !Number.isInteger(value))) {
    throw new AppError('model_invalid', `attribute "${name}" must be an integer, not ${value}`);
  }
  if (value >= limit) return 2n ** 63n - 1n;
  return value <= -limit ? -(2n ** 63n) : BigInt(value);
}

const utf8 = new TextEncoder();

/** The message of an attribute; `base` holds what else the file said of it. */
export function encodeAttribute(
  name: string,
  attribute: Attribute,
  base: AttributeProto | undefined,
  encodeBody: (graph: Graph) => GraphProto,
): AttributeProto {
  if (attribute.kind === 'other') return attribute.value as AttributeProto;
  const proto = base ? clone(AttributeProtoSchema, base) : create(AttributeProtoSchema);
  const tensorBase = proto.t;
  delete proto.t;
  proto.name = name;
  switch (attribute.kind) {
    case 'int':
      return Object.assign(proto, { type: Kind.INT, i: int64(attribute.value, name) });
    case 'ints':
      return Object.assign(proto, {
        type: Kind.INTS,
        ints: attribute.value.map((v) => int64(v, name)),
      });
    case 'float':
      return Object.assign(proto, { type: Kind.FLOAT, f: attribute.value });
    case 'floats':
      return Object.assign(proto, { type: Kind.FLOATS, floats: [...attribute.value] });
    case 'string':
      return Object.assign(proto, { type: Kind.STRING, s: utf8.encode(attribute.value) });
    case 'strings':
      return Object.assign(proto, {
        type: Kind.STRINGS,
        strings: attribute.value.map((one) => utf8.encode(one)),
      });
    case 'tensor':
      return Object.assign(proto, {
        type: Kind.TENSOR,
        t: encodeTensor(attribute.value, tensorBase),
      });
    case 'graph':
      return Object.assign(proto, { type: Kind.GRAPH, g: encodeBody(attribute.value) });
  }
}
