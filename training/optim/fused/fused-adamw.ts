import { type AdamWOptions, adamWDefaults, clipping, type OptimizedParameter } from '../adamw.ts';
import { type Kernels, openKernels, type UpdateScalars } from './kernels.ts';
import { PAGE_BYTES, WebAssembly } from './web-assembly.ts';

/** What the optimizer keeps of each parameter, in the order in which it lies in memory. */
const PARTS = ['p', 'g', 'm', 'v'] as const;

/** The parameter, its gradient and its moments: views of the memory that the kernels work on. */
export type FusedTensors = Readonly<Record<(typeof PARTS)[number], Float32Array<ArrayBuffer>>>;

interface Slot {
  readonly kernels: Kernels;
  readonly decay: boolean;
  /** Bytes of one part, and where each part begins. */
  readonly bytes: number;
  readonly at: Readonly<Record<(typeof PARTS)[number], number>>;
}

const VECTOR_BYTES = 16;
/** Parameters share memories up to this size; WebAssembly's pointers have 32 bits. */
const MEMORY_BYTES = 2 ** 31;

/**
 * AdamW with clipping as `adamWModel` has it, in place: one pass over the gradients for their norm (in double
 * precision), one over everything for the update, by WebAssembly's vector instructions. It owns the tensors.
 */
export class FusedAdamW {
  readonly tensors: ReadonlyMap<string, FusedTensors>;
  readonly #slots: readonly Slot[];
  readonly #options: AdamWOptions;

  constructor(parameters: readonly OptimizedParameter[], options: AdamWOptions) {
    this.#options = options;
    const slots: Slot[] = [];
    const tensors = new Map<string, FusedTensors>();
    for (const group of groupsOf(parameters)) {
      const memory = new WebAssembly.Memory({ initial: Math.ceil(sizeOf(group) / PAGE_BYTES) });
      const kernels = openKernels(memory);
      let offset = 0;
      for (const { name, shape, decay } of group) {
        const bytes = partBytes(shape);
        const at = { p: offset, g: offset + bytes, m: offset + 2 * bytes, v: offset + 3 * bytes };
        const view = (part: keyof typeof at) =>
          new Float32Array(memory.buffer, at[part], elements(shape));
        tensors.set(name, { p: view('p'), g: view('g'), m: view('m'), v: view('v') });
        if (bytes > 0) slots.push({ kernels, decay, bytes, at });
        offset += PARTS.length * bytes;
      }
    }
    this.tensors = tensors;
    this.#slots = slots;
  }

  /** The norm of all gradients together. */
  gradNorm(): number {
    const squares = this.#slots.map(({ kernels, at, bytes }) =>
      kernels.sumOfSquares(at.g, at.g + bytes),
    );
    return Math.fround(Math.sqrt(squares.reduce((sum, square) => sum + square, 0)));
  }

  /** One update. `step` counts from 1; `gradNorm` is that of the gradients as they are. */
  update(learningRate: number, step: number, gradNorm: number): void {
    const { weightDecay } = this.#options;
    const scalars = scalarsOf(learningRate, step, clipping(gradNorm, this.#options.maxGradNorm));
    const decayed = { ...scalars, keep: 1 - learningRate * weightDecay };
    for (const { kernels, decay, at, bytes } of this.#slots) {
      kernels.update({ ...at, end: at.p + bytes }, decay ? decayed : scalars);
    }
  }
}

function scalarsOf(learningRate: number, step: number, clip: number): UpdateScalars {
  const { beta1, beta2, epsilon } = adamWDefaults;
  const root = Math.sqrt(-Math.expm1(step * Math.log(beta2)));
  return {
    beta1,
    beta2,
    toMean: clip * (1 - beta1),
    toRoot: clip * Math.sqrt(1 - beta2),
    step: (learningRate * root) / -Math.expm1(step * Math.log(beta1)),
    epsilon: root * epsilon,
    keep: 1,
  };
}

const elements = (shape: readonly number[]): number => shape.reduce((n, dim) => n * dim, 1);

/** Whole vectors: what stands behind the last element is 0 and stays 0. */
const partBytes = (shape: readonly number[]): number =>
  Math.ceil((4 * elements(shape)) / VECTOR_BYTES) * VECTOR_BYTES;

const sizeOf = (group: readonly OptimizedParameter[]): number =>
  group.reduce((sum, { shape }) => sum + PARTS.length * partBytes(shape), 0);

/** Consecutive parameters that share a memory. */
function groupsOf(parameters: readonly OptimizedParameter[]): OptimizedParameter[][] {
  const groups: OptimizedParameter[][] = [];
  let room = 0;
  for (const parameter of parameters) {
    const size = sizeOf([parameter]);
    if (size > room) {
      groups.push([]);
      room = MEMORY_BYTES;
    }
    groups.at(-1)?.push(parameter);
    room -= size;
  }
  return groups;
}
