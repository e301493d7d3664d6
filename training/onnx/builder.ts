import { type AttributeInit, attributesOf } from './attributes.ts';
import { type Dim, isStatic, type Shape, type SymbolicDim, sameShape } from './dim.ts';
import type { Graph, Value } from './graph.ts';
import { inferNode } from './shapes/infer.ts';
import { type DataType, intTensor, scalarTensor, type Tensor } from './tensor.ts';

export interface OpOptions {
  /** Names of the outputs; default: one, named after the operator. */
  readonly outputs?: readonly string[];
  readonly domain?: string;
  readonly name?: string;
}

type Operand = Value | number;

/**
 * Appends nodes to a graph; types and shapes of their outputs are inferred at once. Equal constants and
 * equal shape computations are made once. Emits only operators whose form is the same from opset 13 on.
 */
export class GraphBuilder {
  readonly graph: Graph;
  /** Prefix of the names that this builder makes up. */
  scope: string;
  readonly #constants = new Map<string, Value>();
  readonly #shapes = new Map<string, Value>();
  #symbols: { inputs: number; places: ReadonlyMap<string, readonly [Value, number]> } = {
    inputs: 0,
    places: new Map(),
  };

  constructor(graph: Graph, scope = '') {
    this.graph = graph;
    this.scope = scope;
  }

  /** One node; all its outputs. */
  node(
    op: string,
    inputs: readonly (Value | undefined)[],
    attributes: AttributeInit = {},
    options: OpOptions = {},
  ): readonly Value[] {
    const outputs = (options.outputs ?? [this.#name(op)]).map((name) =>
      name === '' ? '' : this.graph.freshName(name),
    );
    const node = this.graph.addNode({
      op,
      inputs,
      outputs,
      attributes: attributesOf(attributes),
      domain: options.domain ?? '',
      name: options.name ?? this.graph.freshNodeName(outputs.find((name) => name !== '') ?? op),
    });
    inferNode(node);
    return node.outputs.filter((value) => value !== undefined);
  }

  /** One node with one output. */
  op(
    op: string,
    inputs: readonly (Value | undefined)[],
    attributes: AttributeInit = {},
    options: OpOptions = {},
  ): Value {
    const [value] = this.node(op, inputs, attributes, options);
    if (value === undefined) throw new Error(`${op} was given no output`);
    return value;
  }

  /** A constant initializer; equal ones are shared. */
  constant(tensor: Tensor, hint = 'constant'): Value {
    const key = `${tensor.type}[${tensor.dims}]${Buffer.from(tensor.bytes).toString('base64')}`;
    return memoise(this.#constants, key, () =>
      this.graph.addInitializer(this.graph.freshName(this.#name(hint)), tensor),
    );
  }

  /** A scalar of `like`'s element type. */
  scalar(value: number, like: Value | DataType): Value {
    const type = typeof like === 'string' ? like : (like.type ?? 'float32');
    return this.constant(scalarTensor(type, value), `${type}_${value}`.replace(/[^\w]/g, '_'));
  }

  /** A constant 1-D int64 tensor. */
  ints(values: readonly number[]): Value {
    const value = this.constant(
      intTensor([values.length], values),
      `ints_${values.join('_')}`.replaceAll('-', 'm').slice(0, 40),
    );
    value.content = values;
    return value;
  }

  add = (a: Operand, b: Operand): Value => this.#binary('Add', a, b);
  sub = (a: Operand, b: Operand): Value => this.#binary('Sub', a, b);
  mul = (a: Operand, b: Operand): Value => this.#binary('Mul', a, b);
  div = (a: Operand, b: Operand): Value => this.#binary('Div', a, b);
  neg = (x: Value): Value => this.op('Neg', [x]);
  matMul = (a: Value, b: Value): Value => this.op('MatMul', [a, b]);
  identity = (x: Value): Value => this.op('Identity', [x]);

  /** x as another element type (ONNX's number of it). */
  cast(x: Value, type: 'float32' | 'float64' | 'float16' | 'int64' | 'int32' | 'bool'): Value {
    const codes = { float32: 1, float16: 10, float64: 11, int64: 7, int32: 6, bool: 9 } as const;
    return x.type === type ? x : this.op('Cast', [x], { to: codes[type] });
  }

  transpose = (x: Value, perm: readonly number[]): Value => this.op('Transpose', [x], { perm });

  /** x with its last two axes exchanged. */
  transposeLast(x: Value): Value {
    const rank = x.shape?.length ?? 2;
    const perm = Array.from({ length: rank }, (_, i) => i);
    perm.splice(rank - 2, 2, rank - 1, rank - 2);
    return this.transpose(x, perm);
  }

  reduceSum(x: Value, axes: readonly number[], keepdims = true): Value {
    return axes.length === 0
      ? x
      : this.op('ReduceSum', [x, this.ints(axes)], { keepdims: keepdims ? 1 : 0 });
  }

  /** The mean over axes, which are an attribute before opset 18 and an input from then on. */
  reduceMean(x: Value, axes: readonly number[], keepdims = true): Value {
    const keep = keepdims ? 1 : 0;
    return this.graph.opset < 18
      ? this.op('ReduceMean', [x], { axes, keepdims: keep })
      : this.op('ReduceMean', [x, this.ints(axes)], { keepdims: keep });
  }

  /** Zeros of `like`'s shape and type. */
  zerosLike = (like: Value): Value => this.expandLike(this.scalar(0, like), like);

  where = (condition: Value, a: Value, b: Value): Value => this.op('Where', [condition, a, b]);

  unsqueeze = (x: Value, axes: readonly number[]): Value =>
    this.op('Unsqueeze', [x, this.ints(axes)]);
  squeeze = (x: Value, axes: readonly number[]): Value => this.op('Squeeze', [x, this.ints(axes)]);

  reshape(x: Value, shape: readonly number[] | Value): Value {
    return this.op('Reshape', [x, 'uses' in shape ? shape : this.ints(shape)]);
  }

  /** x in `like`'s shape: both have the same number of elements. */
  reshapeLike(x: Value, like: Value): Value {
    if (x.shape && like.shape && sameShape(x.shape, like.shape)) return x;
    // Of an empty tensor a 0 means 0, not "as before".
    if (like.shape?.includes(0))
      return this.op('Reshape', [x, this.shapeOf(like)], { allowzero: 1 });
    return this.reshape(x, this.#reshapeTarget(like));
  }

  expandLike = (x: Value, like: Value): Value => this.op('Expand', [x, this.shapeOf(like)]);

  /** `like`'s shape as a 1-D int64 tensor: constant if it is static, else computed from the graph inputs. */
  shapeOf(like: Value): Value {
    return (
      (like.shape && this.dims(like.shape)) ??
      this.#shared(`of ${like.name}`, () => this.op('Shape', [like]))
    );
  }

  /**
   * A symbolic shape as a 1-D int64 tensor. It is put together from the dimensions of the graph inputs, not
   * read from an activation, which the runtime would have to keep alive for it.
   */
  dims(shape: Shape): Value | undefined {
    if (isStatic(shape)) return this.ints(shape);
    const parts = shape.map((dim) => (typeof dim === 'number' ? this.ints([dim]) : this.#dim(dim)));
    if (!parts.every((part) => part !== undefined)) return undefined;
    const key = shape.map(String).join(',');
    return this.#shared(key, () => {
      const value = this.op('Concat', parts, { axis: 0 }, { outputs: [this.#name('shape')] });
      value.content = shape;
      return value;
    });
  }

  /** A symbolic dimension as an int64 tensor [1]; undefined where a symbol is no graph input's dimension. */
  #dim(dim: SymbolicDim): Value | undefined {
    const symbols = new Map<string, Value | undefined>();
    for (const symbol of dim.terms.flatMap((term) => term.symbols)) {
      symbols.set(symbol, this.#inputDim(symbol));
    }
    if ([...symbols.values()].includes(undefined)) return undefined;
    return this.#shared(`dim ${dim.key}`, () =>
      dim.terms
        .map((term) => {
          const factors = term.symbols.flatMap((symbol) => symbols.get(symbol) ?? []);
          if (term.coefficient !== 1 || factors.length === 0)
            factors.push(this.ints([term.coefficient]));
          return factors.reduce(this.mul);
        })
        .reduce(this.add),
    );
  }

  #inputDim(symbol: string): Value | undefined {
    const [input, axis] = this.#inputsBySymbol().get(symbol) ?? [];
    if (input !== undefined && axis !== undefined) {
      const shape = this.#shared(`of ${input.name}`, () => this.op('Shape', [input]));
      return this.#shared(`dim ${symbol}`, () =>
        this.op('Gather', [shape, this.ints([axis])], { axis: 0 }),
      );
    }
    return undefined;
  }

  /**
   * Where each dimension's name stands first: among the graph's inputs, and in a body those of the graphs around it. Found again
   * when there are more inputs.
   */
  #inputsBySymbol(): ReadonlyMap<string, readonly [Value, number]> {
    let count = 0;
    for (let at: Graph | undefined = this.graph; at; at = at.outer) count += at.inputs.length;
    if (count === this.#symbols.inputs) return this.#symbols.places;
    const places = new Map<string, readonly [Value, number]>();
    for (let at: Graph | undefined = this.graph; at; at = at.outer) {
      for (const input of at.inputs) {
        input.shape?.forEach((dim, axis) => {
          if (!places.has(String(dim))) places.set(String(dim), [input, axis]);
        });
      }
    }
    this.#symbols = { inputs: count, places };
    return places;
  }

  /** A Reshape target may leave one dimension to the runtime, which spares computing it. */
  #reshapeTarget(like: Value): readonly number[] | Value {
    const unknown = like.shape?.filter((dim) => typeof dim !== 'number').length;
    if (like.shape && unknown !== undefined && unknown <= 1) {
      return like.shape.map((dim: Dim) => (typeof dim === 'number' ? dim : -1));
    }
    return this.shapeOf(like);
  }

  #shared = (key: string, make: () => Value): Value => memoise(this.#shapes, key, make);

  #name(hint: string): string {
    return this.scope === '' ? hint : `${this.scope}/${hint}`;
  }

  #binary(op: string, a: Operand, b: Operand): Value {
    if (typeof a === 'number')
      return this.op(op, [this.scalar(a, operandValue(b)), operandValue(b)]);
    return this.op(op, [a, typeof b === 'number' ? this.scalar(b, a) : b]);
  }
}

function operandValue(operand: Operand): Value {
  if (typeof operand === 'number') throw new Error('one operand must be a value');
  return operand;
}

function memoise(cache: Map<string, Value>, key: string, make: () => Value): Value {
  const known = cache.get(key);
  if (known !== undefined) return known;
  const value = make();
  cache.set(key, value);
  return value;
}
