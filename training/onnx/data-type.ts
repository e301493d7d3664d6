import type { DataType } from './tensor.ts';

/** ONNX's number of each element type (`TensorProto.DataType`). */
const codes: Readonly<Record<DataType, number>> = {
  float32: 1,
  uint8: 2,
  int8: 3,
  uint16: 4,
  int16: 5,
  int32: 6,
  int64: 7,
  string: 8,
  bool: 9,
  float16: 10,
  float64: 11,
  uint32: 12,
  uint64: 13,
  complex64: 14,
  complex128: 15,
  bfloat16: 16,
  float8e4m3fn: 17,
  float8e4m3fnuz: 18,
  float8e5m2: 19,
  float8e5m2fnuz: 20,
  uint4: 21,
  int4: 22,
  float4e2m1: 23,
  float8e8m0: 24,
  uint2: 25,
  int2: 26,
  float6e2m3: 27,
  float6e3m2: 28,
};

const types = new Map(Object.entries(codes).map(([type, code]) => [code, type as DataType]));

const bits: Partial<Record<DataType, number>> = {
  float64: 64,
  int64: 64,
  uint64: 64,
  complex64: 64,
  complex128: 128,
  float32: 32,
  int32: 32,
  uint32: 32,
  float16: 16,
  bfloat16: 16,
  int16: 16,
  uint16: 16,
  int4: 4,
  uint4: 4,
  float4e2m1: 4,
  float6e2m3: 6,
  float6e3m2: 6,
  int2: 2,
  uint2: 2,
};

export const dataTypeCode = (type: DataType): number => codes[type];

/**
 * The element type of an ONNX number; undefined for 0 and for types that are not supported here.
 */
export const dataTypeOf = (code: number): DataType | undefined => types.get(code);

/** Bytes that `count` elements take; types under 8 bits are packed. Strings have no fixed size. */
export const byteSize = (type: DataType, count: number): number =>
  Math.ceil((count * (bits[type] ?? 8)) / 8);
