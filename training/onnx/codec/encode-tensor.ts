import { clone, create, toBinary } from '@bufbuild/protobuf';
import { dataTypeCode } from '../data-type.ts';
import {
  StringStringEntryProtoSchema,
  type TensorProto,
  TensorProto_DataLocation,
  TensorProtoSchema,
} from '../proto/onnx_pb.ts';
import type { Tensor } from '../tensor.ts';

/** Where a tensor lies in the external data file. */
export interface ExternalPlace {
  readonly location: string;
  readonly offset: number;
}

/** The message of a tensor but for its raw data; `base` holds what else the file said of it. */
export function tensorHeader(
  tensor: Tensor,
  base: TensorProto | undefined,
  name?: string,
): TensorProto {
  const proto = base ? clone(TensorProtoSchema, base) : create(TensorProtoSchema);
  for (const field of ['rawData', 'dataLocation'] as const)
    delete (proto as Partial<TensorProto>)[field];
  proto.dims = tensor.dims.map(BigInt);
  proto.dataType = dataTypeCode(tensor.type);
  if (name !== undefined) proto.name = name;
  if (tensor.strings !== undefined) proto.stringData = [...tensor.strings];
  return proto;
}

export function encodeTensor(
  tensor: Tensor,
  base: TensorProto | undefined,
  name?: string,
): TensorProto {
  const proto = tensorHeader(tensor, base, name);
  if (tensor.strings === undefined) proto.rawData = tensor.bytes;
  return proto;
}

/** The bytes of a tensor's message up to its raw data, which follow as they are. */
export function encodeHeader(
  tensor: Tensor,
  base: TensorProto | undefined,
  name: string,
  place: ExternalPlace | undefined,
): Uint8Array {
  const proto = tensorHeader(tensor, base, name);
  if (place !== undefined) {
    const entries = { location: place.location, offset: place.offset, length: tensor.bytes.length };
    proto.dataLocation = TensorProto_DataLocation.EXTERNAL;
    proto.externalData = Object.entries(entries).map(([key, value]) =>
      create(StringStringEntryProtoSchema, { key, value: String(value) }),
    );
  }
  return toBinary(TensorProtoSchema, proto);
}
