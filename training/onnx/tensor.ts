import { AppError } from '../../src/errors.ts';

/** Element types by their usual names; the codec maps them to ONNX's numbers. */
export type DataType =
  | 'float32'
  | 'float64'
  | 'float16'
  | 'bfloat16'
  | 'int8'
  | 'int16'
  | 'int32'
  | 'int64'
  | 'uint8'
  | 'uint16'
  | 'uint32'
  | 'uint64'
  | 'bool'
  | 'string'
  | 'int4'
  | 'uint4'
  | 'float8e4m3fn'
  | 'float8e4m3fnuz'
  | 'float8e5m2'
  | 'float8e5m2fnuz'
  | 'float4e2m1'
  | 'float8e8m0'
  | 'uint2'
  | 'int2'
  | 'float6e2m3'
  | 'float6e3m2'
  | 'complex64'
  | 'complex128';

/** A dense tensor: little-endian elements in row-major order. */
export interface Tensor {
  readonly type: DataType;
  readonly dims: readonly number[];
  /** Often a view into a model file: never write to it. Empty for strings. */
  readonly bytes: Uint8Array;
  /** The elements of a string tensor. */
  readonly strings?: readonly Uint8Array[];
}

type NumericArray =
  | Float32Array
  | Float64Array
  | Int8Array
  | Int16Array
  | Int32Array
  | BigInt64Array
  | Uint8Array
  | Uint16Array
  | Uint32Array
  | BigUint64Array;

type ArrayConstructor = {
  readonly BYTES_PER_ELEMENT: number;
  new (buffer: ArrayBufferLike, offset: number, length: number): NumericArray;
  from(values: Iterable<number>): NumericArray;
};

/** How elements lie in memory; 16-bit floats as their bits. Types that do not fill bytes have no entry. */
const arrayTypes: Partial<Record<DataType, ArrayConstructor>> = {
  float32: Float32Array,
  float64: Float64Array,
  float16: Uint16Array,
  bfloat16: Uint16Array,
  int8: Int8Array,
  int16: Int16Array,
  int32: Int32Array,
  int64: BigInt64Array as unknown as ArrayConstructor,
  uint8: Uint8Array,
  uint16: Uint16Array,
  uint32: Uint32Array,
  uint64: BigUint64Array as unknown as ArrayConstructor,
  bool: Uint8Array,
};

/**
 * The least float32: what masked scores become. Not −∞, with which the softmax of a text of padding alone is NaN.
 */
export const LEAST_FLOAT32 = -3.4028234663852886e38;

const LARGEST_FLOAT16 = 65504;

/** Whether float16 holds all of these numbers; NaN and infinities it is not asked to. */
export const fitsFloat16 = (values: Float32Array): boolean =>
  values.every((x) => Math.abs(x) <= LARGEST_FLOAT16);

export const isFloat = (type: DataType | undefined): boolean =>
  type === 'float32' || type === 'float64' || type === 'float16' || type === 'bfloat16';

export const elementCount = (dims: readonly number[]): number => dims.reduce((n, d) => n * d, 1);

export const tensorOf = (type: DataType, dims: readonly number[], data: NumericArray): Tensor => ({
  type,
  dims,
  bytes: new Uint8Array(data.buffer, data.byteOffset, data.byteLength),
});

export const floatTensor = (dims: readonly number[], values: Float32Array): Tensor =>
  tensorOf('float32', dims, values);

/** A tensor of float16, each element rounded to the nearest. */
export function float16Tensor(dims: readonly number[], values: Float32Array): Tensor {
  const bits = new Uint16Array(values.length);
  for (let i = 0; i < bits.length; i++) bits[i] = float16Bits(values[i] ?? 0);
  return tensorOf('float16', dims, bits);
}

export const intTensor = (dims: readonly number[], values: readonly number[]): Tensor =>
  tensorOf('int64', dims, BigInt64Array.from(values, BigInt));

/** A scalar (rank 0) of a 32- or 64-bit float or an integer type, or a bool. */
export function scalarTensor(type: DataType, value: number): Tensor {
  if (type === 'float16') return tensorOf(type, [], Uint16Array.of(float16Bits(value)));
  const array = arrayTypes[type];
  if (array === undefined || type === 'bfloat16') {
    throw new AppError('model_invalid', `a scalar constant of type ${type} is not supported`);
  }
  const wide = type === 'int64' || type === 'uint64';
  return tensorOf(type, [], wide ? BigInt64Array.of(BigInt(value)) : array.from([value]));
}

/** Whether `elementsOf` and `numbersOf` can read a tensor: not strings, complex numbers, or types below 8 bits. */
export const hasNumbers = ({ type }: Tensor): boolean => arrayTypes[type] !== undefined;

/** The elements as a typed array: a view where the alignment allows it, else a copy. */
export function elementsOf(tensor: Tensor): NumericArray {
  const array = arrayTypes[tensor.type];
  if (array === undefined) {
    throw new AppError('model_invalid', `the elements of a ${tensor.type} tensor cannot be read`);
  }
  const { buffer, byteOffset, byteLength } = tensor.bytes;
  const count = byteLength / array.BYTES_PER_ELEMENT;
  if (byteOffset % array.BYTES_PER_ELEMENT === 0) return new array(buffer, byteOffset, count);
  return new array(buffer.slice(byteOffset, byteOffset + byteLength), 0, count);
}

/** The elements as numbers; integers beyond 2^53 lose precision, which only "to the end" slices use. */
export function numbersOf(tensor: Tensor): number[] {
  const elements = Array.from(elementsOf(tensor), Number);
  return tensor.type === 'float16' ? elements.map(float16Value) : elements;
}

/** Where the bits of a number are looked at: whole weights go through. */
const f32 = new Float32Array(1);
const f32Bits = new Uint32Array(f32.buffer);

/** IEEE half-precision bits of a number: nearest, ties to even. */
export function float16Bits(value: number): number {
  f32[0] = value;
  const bits = f32Bits[0] ?? 0;
  const sign = (bits >>> 16) & 0x8000;
  const magnitude = bits & 0x7fffffff;
  if (magnitude > 0x7f800000) return sign | 0x7e00;
  if (magnitude >= 0x477ff000) return sign | 0x7c00;
  if (magnitude < 0x38800000) {
    const scaled = Math.abs(f32[0] ?? 0) * 2 ** 24;
    const floor = Math.floor(scaled);
    const rest = scaled - floor;
    return sign | (rest > 0.5 || (rest === 0.5 && floor % 2 === 1) ? floor + 1 : floor);
  }
  const rounded = magnitude + 0xfff + ((magnitude >>> 13) & 1);
  return sign | ((rounded - 0x38000000) >>> 13);
}

/** The number that half-precision bits stand for. */
export function float16Value(bits: number): number {
  const sign = bits & 0x8000 ? -1 : 1;
  const exponent = (bits >>> 10) & 0x1f;
  const fraction = bits & 0x3ff;
  if (exponent === 0x1f) return fraction === 0 ? sign * Number.POSITIVE_INFINITY : Number.NaN;
  if (exponent === 0) return sign * fraction * 2 ** -24;
  return sign * (1 + fraction / 1024) * 2 ** (exponent - 15);
}
