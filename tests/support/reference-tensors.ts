import { readFileSync } from 'node:fs';
import { readSafetensors } from '../../training/onnx/safetensors.ts';
import { elementsOf, type Tensor } from '../../training/onnx/tensor.ts';

const fixture = (name: string): URL => new URL(`../fixtures/${name}`, import.meta.url);

export const fixturePath = (name: string): string => fixture(name).pathname;

/** A JSON file of tests/fixtures. */
export const readFixtureJson = <T>(name: string): T =>
  JSON.parse(readFileSync(fixture(name), 'utf8')) as T;

/** Reference tensors by name, of a safetensors file of tests/fixtures. */
export async function readReference(name: string): Promise<ReadonlyMap<string, Tensor>> {
  return (await readSafetensors(fixturePath(name))).tensors;
}

export function tensorNamed(tensors: ReadonlyMap<string, Tensor>, name: string): Tensor {
  const tensor = tensors.get(name);
  if (!tensor) throw new Error(`there is no tensor ${name}`);
  return tensor;
}

/** The tensors whose names begin with a prefix, by the rest of their names. */
export const under = (tensors: ReadonlyMap<string, Tensor>, prefix: string): Map<string, Tensor> =>
  new Map(
    [...tensors].flatMap(([name, tensor]) =>
      name.startsWith(prefix) ? [[name.slice(prefix.length), tensor]] : [],
    ),
  );

export const numbers = (tensor: Tensor | undefined): number[] =>
  tensor ? Array.from(elementsOf(tensor), Number) : [];

/** The largest |a − b|; NaN where there is one. */
export function maxDifference(a: readonly number[], b: readonly number[]): number {
  if (a.length !== b.length) return Number.NaN;
  return a.reduce((most, x, i) => Math.max(most, Math.abs(x - (b[i] ?? Number.NaN))), 0);
}

/** A matrix [r, c] as [c, r]; other tensors as they are. */
export function transposed(tensor: Tensor): number[] {
  const [rows = 1, columns = 1] = tensor.dims;
  const values = numbers(tensor);
  if (tensor.dims.length !== 2) return values;
  return Array.from({ length: values.length }, (_, i) => {
    const row = i % rows;
    return values[row * columns + Math.floor(i / rows)] ?? Number.NaN;
  });
}
