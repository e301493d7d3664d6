import { type AdamWOptions, adamWDefaults, clipping, type OptimizedParameter } from '../adamw.ts';
import { type Kernels, openKernels, type UpdateScalars } from './kernels.ts';
import { PAGE_BYTES, WebAssembly } from './web-assembly.ts';

/** What the optimizer keeps of each parameter, in the order in which it lies in memory; `sum` where batches are in pieces. */
const PARTS = ['p', 'g', 'm', 'v', 'sum'] as const;
type Part = (typeof PARTS)[number];

/** The parameter, its gradient and its moments: views of the memory that the kernels work on. */
export type FusedTensors = Readonly<Record<Exclude<Part, 'sum'>, Float32Array<ArrayBuffer>>>;

interface Slot {
  readonly kernels: Kernels;
  readonly decay: boolean;
  /** Bytes of one part, and where each part begins. */
  readonly bytes: number;
  readonly at: Readonly<Record<Part, number>>;
  /** Σ weight·gradient so far; empty where batches are not in pieces. */
  readonly sum: Float32Array;
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

  /** @param accumulates keeps room for a sum of gradients, which `collect` needs */
  constructor(
    parameters: readonly OptimizedParameter[],
    options: AdamWOptions,
    accumulates = false,
  ) {
    this.#options = options;
    const parts = accumulates ? PARTS.length : PARTS.length - 1;
    const slots: Slot[] = [];
    const tensors = new Map<string, FusedTensors>();
    for (const group of groupsOf(parameters, parts)) {
      const memory = new WebAssembly.Memory({
        initial: Math.ceil(sizeOf(group, parts) / PAGE_BYTES),
      });
      const kernels = openKernels(memory);
      let offset = 0;
      for (const { name, shape, decay } of group) {
        const bytes = partBytes(shape);
        const at = Object.fromEntries(PARTS.map((part, i) => [part, offset + i * bytes])) as Record<
          Part,
          number
        >;
        const view = (part: Part, length = elements(shape)) =>
          new Float32Array(memory.buffer, at[part], length);
        tensors.set(name, { p: view('p'), g: view('g'), m: view('m'), v: view('v') });
        const sum = accumulates ? view('sum') : new Float32Array();
        if (bytes > 0) slots.push({ kernels, decay, bytes, at, sum });
        offset += parts * bytes;
      }
    }
    this.tensors = tensors;
    this.#slots = slots;
  }

  /** Adds weight·gradient to the sum; the last piece of a batch leaves the sum as the gradient. */
  collect(weight: number, isLast: boolean): void {
    for (const { kernels, at, bytes, sum } of this.#slots) {
      kernels.addWeighted(at.g, at.sum, isLast ? at.g : at.sum, at.g + bytes, weight);
      if (isLast) sum.fill(0);
    }
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

const sizeOf = (group: readonly OptimizedParameter[], parts: number): number =>
  group.reduce((sum, { shape }) => sum + parts * partBytes(shape), 0);

/** Consecutive parameters that share a memory. */
function groupsOf(
  parameters: readonly OptimizedParameter[],
  parts: number,
): OptimizedParameter[][] {
  const groups: OptimizedParameter[][] = [];
  let room = 0;
  for (const parameter of parameters) {
    const size = sizeOf([parameter], parts);
    if (size > room) {
      groups.push([]);
      room = MEMORY_BYTES;
    }
    groups.at(-1)?.push(parameter);
    room -= size;
  }
  return groups;
}
