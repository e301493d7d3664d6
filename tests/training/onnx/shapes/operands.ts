import { type Shape, symbolicDim } from '../../../../training/onnx/dim.ts';
import {
  floatTensor,
  intTensor,
  scalarTensor,
  tensorOf,
} from '../../../../training/onnx/tensor.ts';

/** Operands of the rows of shapes: dimensions that are not known, values of a type, constants. */
export const [b, s, n] = [symbolicDim('b'), symbolicDim('s'), symbolicDim('n')];
export const x = (...shape: Shape) => ({ type: 'float32', shape }) as const;
export const i64 = (...shape: Shape) => ({ type: 'int64', shape }) as const;
export const i32 = (...shape: Shape) => ({ type: 'int32', shape }) as const;
export const u8 = (...shape: Shape) => ({ type: 'uint8', shape }) as const;
export const bool = (...shape: Shape) => ({ type: 'bool', shape }) as const;
export const ints = (...values: number[]) => intTensor([values.length], values);
export const int = (value: number) => scalarTensor('int64', value);
export const number = (value: number) => scalarTensor('float32', value);
export const count = (dims: readonly number[]) => dims.reduce((product, dim) => product * dim, 1);
export const zeros = (...dims: number[]) => floatTensor(dims, new Float32Array(count(dims)));
export const ones = (...dims: number[]) => floatTensor(dims, new Float32Array(count(dims)).fill(1));
export const bytes = (...dims: number[]) => tensorOf('uint8', dims, new Uint8Array(count(dims)));
