import type { ConstantMatrix } from '../../graph/facts/constant-matrix.ts';
import { elementsOf } from '../../onnx/tensor.ts';
import { notFinite } from './round.ts';

export type BlockBits = 8 | 4;

/** A matrix w ≈ (q − 2^(bits−1)) · scale, one scale for each block of a column, as MatMulNBits reads it. */
export interface BlockMatrix {
  readonly rows: number;
  readonly columns: number;
  /** [columns, blocks, size · bits / 8]; of two 4-bit values in a byte, the first stands in its low half. */
  readonly values: Uint8Array;
  /** [columns, blocks] */
  readonly scales: Float32Array;
  /** ‖w − ŵ‖ / ‖w‖ */
  readonly error: number;
}

/** How a matrix is cut: values of so many bits, each column in blocks of `size` rows; the last is filled with zeros. */
export interface BlockForm {
  readonly bits: BlockBits;
  readonly size: number;
}

/**
 * Rounds a matrix as the graph reads it. The element of a block that lies farthest from 0 becomes the least value,
 * −2^(bits−1), whatever its sign (as in llama.cpp's Q4_0): all the values are used, and none needs a zero point.
 */
export function roundBlocks(matrix: ConstantMatrix, { bits, size }: BlockForm): BlockMatrix {
  const [first = 0, second = 0] = matrix.tensor.dims;
  const [rows, columns] = matrix.transposed ? [second, first] : [first, second];
  const weights = elementsOf(matrix.tensor) as Float32Array;
  const [rowStep, columnStep] = matrix.transposed ? [1, rows] : [columns, 1];
  const blocks = Math.ceil(rows / size);
  const zero = 2 ** (bits - 1);
  const perByte = 8 / bits;
  const scales = new Float32Array(columns * blocks);
  // Below a block's end and beyond its column's there are zeros, too: bytes are made of zero's bits.
  const values = new Uint8Array((columns * blocks * size) / perByte).fill(bits === 8 ? 128 : 0x88);
  let lost = 0;
  let all = 0;
  for (const block of scales.keys()) {
    const [column, from] = [Math.floor(block / blocks), (block % blocks) * size];
    const count = Math.min(size, rows - from);
    const at = (i: number): number =>
      weights[(from + i) * rowStep + column * columnStep] ?? Number.NaN;
    const scale = extremeOf(count, at, matrix.source.name) / -zero || 1;
    scales[block] = scale;
    for (let i = 0; i < count; i++) {
      const weight = at(i);
      const q = Math.min(Math.max(Math.round(weight / scale), -zero), zero - 1);
      place(values, block * size + i, q + zero, perByte);
      lost += (weight - q * Math.fround(scale)) ** 2;
      all += weight ** 2;
    }
  }
  return { rows, columns, values, scales, error: all === 0 ? 0 : Math.sqrt(lost / all) };
}

/** The element that lies farthest from 0, with its sign. */
function extremeOf(count: number, at: (i: number) => number, name: string): number {
  let extreme = 0;
  for (let i = 0; i < count; i++) {
    const weight = at(i);
    if (!Number.isFinite(weight)) throw notFinite(name);
    if (Math.abs(weight) > Math.abs(extreme)) extreme = weight;
  }
  return extreme;
}

function place(values: Uint8Array, index: number, q: number, perByte: number): void {
  const byte = Math.floor(index / perByte);
  if (perByte === 1) values[byte] = q;
  else if (index % 2 === 0) values[byte] = ((values[byte] ?? 0) & 0xf0) | q;
  else values[byte] = ((values[byte] ?? 0) & 0x0f) | (q << 4);
}
