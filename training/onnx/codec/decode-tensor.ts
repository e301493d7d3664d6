import { AppError } from '../../../src/errors.ts';
import { nameShown } from '../../../src/files/index.ts';
import { byteSize, dataTypeOf } from '../data-type.ts';
import { limits } from '../limits.ts';
import { type TensorProto, TensorProto_DataLocation } from '../proto/onnx_pb.ts';
import { type DataType, elementCount, type Tensor } from '../tensor.ts';

/** Types whose elements stand as bit patterns in `int32_data`, by bytes of one entry. */
const entryBytes: Partial<Record<DataType, number>> = {
  int32: 4,
  int16: 2,
  uint16: 2,
  float16: 2,
  bfloat16: 2,
  float6e2m3: 0,
  float6e3m2: 0,
};

const bytesOf = (array: Float32Array | Float64Array | BigInt64Array | BigUint64Array): Uint8Array =>
  new Uint8Array(array.buffer, array.byteOffset, array.byteLength);

/** The elements of `int32_data`, each cut to the width of its type. */
function packEntries(entries: readonly number[], width: number): Uint8Array {
  const bytes = new Uint8Array(entries.length * width);
  const view = new DataView(bytes.buffer);
  entries.forEach((entry, i) => {
    if (width === 1) view.setUint8(i, entry);
    else if (width === 2) view.setUint16(i * 2, entry, true);
    else view.setInt32(i * 4, entry, true);
  });
  return bytes;
}

/** The elements as raw little-endian bytes, wherever the message has them. */
function payload(proto: TensorProto, type: DataType): Uint8Array | undefined {
  if (proto.rawData.length > 0) return proto.rawData;
  if (type === 'float32' || type === 'complex64') return bytesOf(new Float32Array(proto.floatData));
  if (type === 'float64' || type === 'complex128')
    return bytesOf(new Float64Array(proto.doubleData));
  if (type === 'int64') return bytesOf(new BigInt64Array(proto.int64Data));
  if (type === 'uint64') return bytesOf(new BigUint64Array(proto.uint64Data));
  if (type === 'uint32') return packEntries(proto.uint64Data.map(Number), 4);
  const width = entryBytes[type] ?? 1;
  return width === 0 ? undefined : packEntries(proto.int32Data, width);
}

function dimsOf(proto: TensorProto, where: string): number[] {
  const dims = proto.dims.map(Number);
  if (dims.length > limits.axes) {
    throw new AppError(
      'model_invalid',
      `${where} has ${dims.length} axes: at most ${limits.axes} are read`,
    );
  }
  if (dims.some((dim) => dim < 0) || !Number.isSafeInteger(elementCount(dims))) {
    throw new AppError('model_invalid', `${where} has the impossible shape [${dims.join(', ')}]`);
  }
  return dims;
}

/**
 * A message's tensor; raw data stays a view into the file. `where` names the tensor in messages.
 */
export function decodeTensor(proto: TensorProto, where: string): Tensor {
  const type = dataTypeOf(proto.dataType);
  if (type === undefined) {
    throw new AppError('model_invalid', `${where} has the unknown element type ${proto.dataType}`);
  }
  if (proto.dataLocation === TensorProto_DataLocation.EXTERNAL) {
    const location = proto.externalData.find((entry) => entry.key === 'location')?.value;
    throw new AppError(
      'model_invalid',
      `${where} lies in another file, ${nameShown(location ?? '')}`,
      {
        hint: 'read the model from its path, so that its external data can be found',
      },
    );
  }
  if (proto.segment !== undefined) {
    throw new AppError('model_invalid', `${where} is stored in segments, which is not supported`);
  }
  const dims = dimsOf(proto, where);
  const count = elementCount(dims);
  if (type === 'string') {
    if (proto.stringData.length !== count)
      throw wrongSize(where, dims, type, count, proto.stringData.length, 'strings');
    return { type, dims, bytes: new Uint8Array(0), strings: proto.stringData };
  }
  const bytes = payload(proto, type);
  if (bytes === undefined) throw new AppError('model_invalid', `${where} has no raw data`);
  const expected = byteSize(type, count);
  if (bytes.length !== expected)
    throw wrongSize(where, dims, type, expected, bytes.length, 'bytes');
  return { type, dims, bytes };
}

const wrongSize = (
  where: string,
  dims: readonly number[],
  type: DataType,
  expected: number,
  found: number,
  unit: string,
) =>
  new AppError(
    'model_invalid',
    `${where}, ${type} [${dims.join(', ')}], must have ${expected} ${unit} but has ${found}`,
  );

/** The message without its elements, type and shape. */
export function stripTensor(proto: TensorProto): TensorProto {
  proto.dims = [];
  proto.dataType = 0;
  proto.rawData = new Uint8Array(0);
  proto.floatData = [];
  proto.doubleData = [];
  proto.int32Data = [];
  proto.int64Data = [];
  proto.uint64Data = [];
  proto.stringData = [];
  proto.externalData = [];
  proto.dataLocation = TensorProto_DataLocation.DEFAULT;
  return proto;
}
