import { AppError } from '../../src/errors.ts';
import type { CompiledArtifacts } from '../artifacts/index.ts';
import { elementCount, elementsOf, floatTensor, type Tensor } from '../onnx/tensor.ts';
import type { FusedAdamW } from '../optim/index.ts';
import { Tensor as OrtTensor } from './onnxruntime.ts';

export type Tensors = Record<string, OrtTensor>;

const MOMENTS = ['.exp_avg', '.exp_avg_sq'] as const;
const KINDS = ['', ...MOMENTS] as const;

/**
 * Parameters and moments in two sets of buffers: an update reads the one and writes the other, then they
 * are swapped, so that nothing is copied or allocated in a step. Gradients have buffers of their own.
 */
export class TrainingState {
  readonly #shapes: ReadonlyMap<string, readonly number[]>;
  #current: Tensors;
  #next: Tensors | undefined;
  #gradients: Tensors | undefined;

  /** @param owner of the buffers, where the optimizer updates them in place */
  constructor(
    { parameters, initial }: Pick<CompiledArtifacts, 'parameters' | 'initial'>,
    owner?: FusedAdamW,
  ) {
    this.#shapes = new Map(parameters.map(({ name, shape }) => [name, shape]));
    this.#current = owner ? {} : this.#allocate();
    if (owner) this.#adopt(owner);
    this.#take(initial, { moments: 'if there' });
  }

  get names(): string[] {
    return [...this.#shapes.keys()];
  }

  /** P: the feeds of training and evaluation. */
  get parameters(): Tensors {
    return pick(this.#current, this.names);
  }

  /** P, P.exp_avg and P.exp_avg_sq: feeds of the optimizer. */
  get current(): Tensors {
    return this.#current;
  }

  /** P.grad: outputs of training, inputs of the optimizer. */
  get gradients(): Tensors {
    this.#gradients ??= Object.fromEntries(
      Array.from(this.#shapes, ([name, shape]) => [`${name}.grad`, zeros(shape)]),
    );
    return this.#gradients;
  }

  /** P.out and so on: where the optimizer writes. */
  get outputs(): Tensors {
    this.#next ??= this.#allocate();
    return Object.fromEntries(
      Object.entries(this.#next).map(([name, tensor]) => [`${name}.out`, tensor]),
    );
  }

  /** What the optimizer wrote becomes the current state. */
  swap(): void {
    if (this.#next === undefined) throw new AppError('internal', 'there is no next state to swap');
    [this.#current, this.#next] = [this.#next, this.#current];
  }

  copy(kinds: readonly string[] = KINDS): Map<string, Tensor> {
    const names = this.names.flatMap((name) => kinds.map((kind) => name + kind));
    return new Map(
      names.map((name) => {
        const tensor = this.#tensor(name);
        return [name, floatTensor(tensor.dims, Float32Array.from(elements(tensor)))];
      }),
    );
  }

  /**
   * Takes parameters and moments from a state. AppError `data_invalid` where one is missing or misshapen: a moment that
   * begins anew in the middle of a run gives other numbers.
   */
  load(state: ReadonlyMap<string, Tensor>): void {
    this.#take(state, { moments: 'all' });
  }

  #take(state: ReadonlyMap<string, Tensor>, { moments }: { moments: 'all' | 'if there' }): void {
    const found = new Map<string, Tensor>();
    for (const [name, shape] of this.#shapes) {
      for (const kind of KINDS) {
        const tensor = state.get(name + kind);
        if (tensor === undefined && kind !== '' && moments === 'if there') continue;
        if (tensor?.type !== 'float32' || tensor.dims.join() !== shape.join()) {
          throw new AppError(
            'data_invalid',
            `the state holds ${tensor ? `"${name + kind}" as ${tensor.type} [${tensor.dims}]` : `no "${name + kind}"`}: expected float32 [${shape}]`,
            { hint: 'it belongs to another model, or to another list of trained parameters' },
          );
        }
        found.set(name + kind, tensor);
      }
    }
    for (const [name, tensor] of found) {
      elements(this.#tensor(name)).set(elementsOf(tensor) as Float32Array);
    }
  }

  #tensor(name: string): OrtTensor {
    const tensor = this.#current[name];
    if (tensor === undefined) throw new AppError('internal', `there is no state "${name}"`);
    return tensor;
  }

  #adopt({ tensors }: FusedAdamW): void {
    this.#gradients = {};
    for (const [name, shape] of this.#shapes) {
      const parts = tensors.get(name);
      if (parts === undefined) throw new AppError('internal', `the optimizer has no "${name}"`);
      const [p, m, v] = KINDS.map((kind) => name + kind) as [string, string, string];
      this.#current[p] = new OrtTensor('float32', parts.p, shape);
      this.#current[m] = new OrtTensor('float32', parts.m, shape);
      this.#current[v] = new OrtTensor('float32', parts.v, shape);
      this.#gradients[`${name}.grad`] = new OrtTensor('float32', parts.g, shape);
    }
  }

  #allocate(): Tensors {
    return Object.fromEntries(
      Array.from(this.#shapes).flatMap(([name, shape]) =>
        KINDS.map((kind) => [name + kind, zeros(shape)]),
      ),
    );
  }
}

const zeros = (shape: readonly number[]): OrtTensor =>
  new OrtTensor('float32', new Float32Array(elementCount(shape)), shape);

const elements = (tensor: OrtTensor): Float32Array => tensor.data as Float32Array;

const pick = (tensors: Tensors, names: readonly string[]): Tensors =>
  Object.fromEntries(names.flatMap((name) => (tensors[name] ? [[name, tensors[name]]] : [])));
