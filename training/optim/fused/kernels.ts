import {
  addF64,
  advance,
  assemble,
  type Code,
  f32x4,
  f64x2,
  get,
  set,
  v128,
  type WasmFunction,
  whileBelow,
} from './assembler.ts';
import { type Memory, WebAssembly } from './web-assembly.ts';

/** Locals 0 to n−1 by name, in the order of the list. */
const numbered = <Name extends string>(names: readonly Name[]): Record<Name, number> =>
  Object.fromEntries(names.map((name, i) => [name, i])) as Record<Name, number>;

/** Σ x² of the float32 numbers from `x` up to `end`, in double precision. */
function sumOfSquares(): WasmFunction {
  const at = numbered(['x', 'end', 'four', 'low', 'sum', 'other']);
  const squared = (pair: Code): Code => f64x2.mul(pair, pair);
  return {
    name: 'sumOfSquares',
    parameters: ['i32', 'i32'],
    results: ['f64'],
    locals: ['v128', 'v128', 'v128', 'v128'],
    body: [
      ...whileBelow(at.x, at.end, [
        ...set(at.four, v128.load(get(at.x))),
        ...set(at.low, f64x2.promote(get(at.four))),
        ...set(at.sum, f64x2.add(get(at.sum), squared(get(at.low)))),
        ...set(at.low, f64x2.promote(v128.swapHalves(get(at.four)))),
        ...set(at.other, f64x2.add(get(at.other), squared(get(at.low)))),
        ...advance(at.x),
      ]),
      ...set(at.sum, f64x2.add(get(at.sum), get(at.other))),
      ...addF64(f64x2.extract(0, get(at.sum)), f64x2.extract(1, get(at.sum))),
    ],
  };
}

const pointers = ['p', 'g', 'm', 'v', 'end'] as const;
const scalars = ['beta1', 'beta2', 'toMean', 'toRoot', 'step', 'epsilon', 'keep'] as const;

/**
 * m ← β₁m + toMean·g; v ← β₂v + (toRoot·g)²; p ← keep·p − step·m / (√v + ε), in place, from `p` up to `end`:
 * the order of operations is the optimizer graph's.
 */
function update(): WasmFunction {
  const wide = scalars.map((name) => `${name}s` as const);
  const at = numbered([...pointers, ...scalars, ...wide, 'gradient', 'mean', 'square']);
  const { add, sub, mul, div, sqrt, splat } = f32x4;
  const root = mul(get(at.gradient), get(at.toRoots));
  const change = div(mul(get(at.mean), get(at.steps)), add(sqrt(get(at.square)), get(at.epsilons)));
  return {
    name: 'update',
    parameters: [...pointers.map(() => 'i32' as const), ...scalars.map(() => 'f32' as const)],
    results: [],
    locals: [...scalars, 'gradient', 'mean', 'square'].map(() => 'v128' as const),
    body: [
      ...scalars.flatMap((name) => set(at[`${name}s`], splat(get(at[name])))),
      ...whileBelow(at.p, at.end, [
        ...set(at.gradient, v128.load(get(at.g))),
        ...set(
          at.mean,
          add(mul(v128.load(get(at.m)), get(at.beta1s)), mul(get(at.gradient), get(at.toMeans))),
        ),
        ...set(at.square, add(mul(v128.load(get(at.v)), get(at.beta2s)), mul(root, root))),
        ...v128.store(get(at.m), get(at.mean)),
        ...v128.store(get(at.v), get(at.square)),
        ...v128.store(get(at.p), sub(mul(v128.load(get(at.p)), get(at.keeps)), change)),
        ...[at.p, at.g, at.m, at.v].flatMap(advance),
      ]),
    ],
  };
}

/** y ← weight·x + z for the numbers from `x` up to `end`; y may be x or z. */
function addWeighted(): WasmFunction {
  const at = numbered(['x', 'z', 'y', 'end', 'weight', 'weights']);
  const { add, mul, splat } = f32x4;
  return {
    name: 'addWeighted',
    parameters: ['i32', 'i32', 'i32', 'i32', 'f32'],
    results: [],
    locals: ['v128'],
    body: [
      ...set(at.weights, splat(get(at.weight))),
      ...whileBelow(at.x, at.end, [
        ...v128.store(
          get(at.y),
          add(mul(v128.load(get(at.x)), get(at.weights)), v128.load(get(at.z))),
        ),
        ...[at.x, at.z, at.y].flatMap(advance),
      ]),
    ],
  };
}

/** Scalars of an update, in the order of the kernel's parameters. */
export type UpdateScalars = Readonly<Record<(typeof scalars)[number], number>>;
export type UpdatePointers = Readonly<Record<(typeof pointers)[number], number>>;

/** The kernels on a memory. Pointers are in bytes, multiples of 16; a range may not be empty. */
export interface Kernels {
  sumOfSquares(x: number, end: number): number;
  update(at: UpdatePointers, by: UpdateScalars): void;
  addWeighted(x: number, z: number, y: number, end: number, weight: number): void;
}

let module: object | undefined;

export function openKernels(memory: Memory): Kernels {
  module ??= new WebAssembly.Module(assemble([sumOfSquares(), update(), addWeighted()]));
  const { exports } = new WebAssembly.Instance(module, { state: { memory } });
  const run = exports as Record<
    'sumOfSquares' | 'update' | 'addWeighted',
    (...args: number[]) => number
  >;
  return {
    sumOfSquares: run.sumOfSquares,
    addWeighted: run.addWeighted,
    update: (at, by) => {
      run.update(...pointers.map((name) => at[name]), ...scalars.map((name) => by[name]));
    },
  };
}
