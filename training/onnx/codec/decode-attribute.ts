import { isFieldSet } from '@bufbuild/protobuf';
import { nameShown } from '../../../src/files/index.ts';
import type { Attribute } from '../attributes.ts';
import type { Graph, Node } from '../graph.ts';
import {
  type AttributeProto,
  AttributeProtoSchema,
  type GraphProto,
  AttributeProto_AttributeType as Kind,
} from '../proto/onnx_pb.ts';
import { decodeTensor, stripTensor } from './decode-tensor.ts';

/** What decoding an attribute needs of its surroundings. */
export interface AttributeContext {
  /** The node, for messages. */
  readonly node: Node;
  readonly decodeBody: (proto: GraphProto) => Graph;
}

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

const text = (bytes: Uint8Array): string | undefined => {
  try {
    return utf8.decode(bytes);
  } catch {
    return undefined;
  }
};

type Decoder = (proto: AttributeProto, context: AttributeContext) => Attribute | undefined;

const decoders: Partial<Record<Kind, Decoder>> = {
  [Kind.INT]: (proto) => ({ kind: 'int', value: Number(proto.i) }),
  [Kind.FLOAT]: (proto) => ({ kind: 'float', value: proto.f }),
  [Kind.INTS]: (proto) => ({ kind: 'ints', value: proto.ints.map(Number) }),
  [Kind.FLOATS]: (proto) => ({ kind: 'floats', value: proto.floats }),
  [Kind.STRING]: (proto) => {
    const value = text(proto.s);
    return value === undefined ? undefined : { kind: 'string', value };
  },
  [Kind.STRINGS]: (proto) => {
    const value = proto.strings.map(text);
    return value.every((one) => one !== undefined) ? { kind: 'strings', value } : undefined;
  },
  [Kind.TENSOR]: (proto, { node }) =>
    proto.t && {
      kind: 'tensor',
      value: decodeTensor(proto.t, `the tensor in attribute ${nameShown(proto.name)} of ${node}`),
    },
  [Kind.GRAPH]: (proto, { decodeBody }) => proto.g && { kind: 'graph', value: decodeBody(proto.g) },
};

/** Old files leave the kind out: it is the one field that is set. */
const fieldKinds = [
  ['f', Kind.FLOAT],
  ['i', Kind.INT],
  ['s', Kind.STRING],
  ['t', Kind.TENSOR],
  ['g', Kind.GRAPH],
  ['floats', Kind.FLOATS],
  ['ints', Kind.INTS],
  ['strings', Kind.STRINGS],
] as const;

function kindOf(proto: AttributeProto): Kind {
  if (proto.type !== Kind.UNDEFINED) return proto.type;
  const set = fieldKinds.find(([field]) => isFieldSet(proto, AttributeProtoSchema.field[field]));
  return set?.[1] ?? Kind.UNDEFINED;
}

/** A message's attribute; kinds that nothing here looks into are carried along as the message. */
export function decodeAttribute(proto: AttributeProto, context: AttributeContext): Attribute {
  const decoded = proto.refAttrName === '' ? decoders[kindOf(proto)]?.(proto, context) : undefined;
  return decoded ?? { kind: 'other', value: proto };
}

/** What a decoded attribute's message says beside the value; undefined where that is nothing. */
export function attributeRemainder(proto: AttributeProto): AttributeProto | undefined {
  const tensor = proto.t && stripTensor(proto.t);
  const more = proto.docString !== '' || proto.$unknown !== undefined || tensor !== undefined;
  if (!more) return undefined;
  for (const [field] of fieldKinds) {
    if (field !== 't') delete (proto as Partial<AttributeProto>)[field];
  }
  return Object.assign(proto, { floats: [], ints: [], strings: [] });
}
