import { AppError } from '../../../src/errors.ts';
import { nameShown } from '../../../src/files/index.ts';
import type { ConstantMatrix } from '../../graph/facts/constant-matrix.ts';
import { elementsOf } from '../../onnx/tensor.ts';

/** A matrix w ≈ q · scale, one scale a column, or a row. */
export interface RoundedMatrix {
  readonly rows: number;
  readonly columns: number;
  /** [rows, columns] */
  readonly values: Int8Array;
  readonly scales: Float32Array;
  /** ‖w − q · scale‖ / ‖w‖ */
  readonly error: number;
}

/**
 * The largest |q| of a weight that is multiplied. 8-bit products of unsigned activations and signed weights
 * are added in pairs to 16 bits on x86 without VNNI: 2 · 255 · 64 = 32640 is the most that fits below 2^15.
 */
export const PRODUCT_LIMIT = 64;

/** The largest |q| of a weight that is only looked up. */
export const LOOKUP_LIMIT = 127;

/** Rounds a matrix as the graph reads it, symmetrically, one scale for each `row` or `column`. */
export function roundMatrix(
  { tensor, transposed, source }: ConstantMatrix,
  axis: 'row' | 'column',
  limit: number,
): RoundedMatrix {
  const [first = 0, second = 0] = tensor.dims;
  const [rows, columns] = transposed ? [second, first] : [first, second];
  const weights = elementsOf(tensor) as Float32Array;
  const [rowStep, columnStep] = transposed ? [1, rows] : [columns, 1];
  const perColumn = axis === 'column';
  const scales = new Float32Array(perColumn ? columns : rows);
  forEachElement(rows, columns, (r, c) => {
    const at = perColumn ? c : r;
    const size = Math.abs(weights[r * rowStep + c * columnStep] ?? Number.NaN);
    if (!Number.isFinite(size)) throw notFinite(source.name);
    if (size > (scales[at] ?? 0)) scales[at] = size;
  });
  // A channel of zeros, or of numbers too small to divide by, is zeros with any scale.
  for (const [at, most] of scales.entries()) scales[at] = most / limit || 1;
  const values = new Int8Array(rows * columns);
  let lost = 0;
  let all = 0;
  forEachElement(rows, columns, (r, c) => {
    const weight = weights[r * rowStep + c * columnStep] ?? 0;
    const scale = scales[perColumn ? c : r] ?? 1;
    const q = Math.min(Math.max(Math.round(weight / scale), -limit), limit);
    values[r * columns + c] = q;
    lost += (weight - q * scale) ** 2;
    all += weight ** 2;
  });
  return { rows, columns, values, scales, error: all === 0 ? 0 : Math.sqrt(lost / all) };
}

function forEachElement(
  rows: number,
  columns: number,
  visit: (row: number, column: number) => void,
): void {
  for (let row = 0; row < rows; row++) {
    for (let column = 0; column < columns; column++) visit(row, column);
  }
}

/** AppError `model_invalid` for a weight that cannot be rounded. */
export const notFinite = (name: string): AppError =>
  new AppError('model_invalid', `the weight ${nameShown(name)} holds numbers that are not finite`, {
    hint: 'the model was damaged, or its training diverged: train or export it again',
  });
