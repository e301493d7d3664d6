import { AppError } from '../../src/errors.ts';
import { type AttributeInit, float } from '../onnx/attributes.ts';
import { GraphBuilder } from '../onnx/builder.ts';
import type { Graph, Value } from '../onnx/graph.ts';
import type { WeightSource } from './weights.ts';

/**
 * Builds layers under the paths of their modules, such as `distilbert/embeddings/LayerNorm`. Nodes are
 * named as torch's exporter names them (`/distilbert/embeddings/LayerNorm/LayerNormalization`),
 * parameters as the modules of the source model (`distilbert.embeddings.LayerNorm.weight`).
 */
export class ModuleBuilder {
  readonly b: GraphBuilder;
  readonly #weights: WeightSource;
  readonly #counts = new Map<string, number>();

  constructor(graph: Graph, weights: WeightSource, scope: string) {
    this.b = new GraphBuilder(graph, scope);
    this.#weights = weights;
  }

  /** One node of a module; constants among the operands are scalars of the first operand's type. */
  op(
    path: string,
    op: string,
    operands: readonly (Value | number)[],
    attributes: AttributeInit = {},
  ): Value {
    const like = operands.find((operand) => typeof operand !== 'number') ?? 'float32';
    const inputs = operands.map((x) => (typeof x === 'number' ? this.b.scalar(x, like) : x));
    const name = this.#nodeName(`/${path}/${op}`);
    return this.b.op(op, inputs, attributes, { name, outputs: [`${name}_output_0`] });
  }

  parameter(path: string, kind: 'weight' | 'bias', shape: readonly number[]): Value {
    const name = `${path.replaceAll('/', '.')}.${kind}`;
    const tensor = this.#weights(name, shape);
    if (tensor.type !== 'float32' || tensor.dims.join() !== shape.join()) {
      throw new AppError(
        'model_invalid',
        `${name} is ${tensor.type} [${tensor.dims}]: expected float32 [${shape}]`,
      );
    }
    return this.b.graph.addInitializer(name, tensor);
  }

  /** x·W + b for x [..., in]; W is [in, out]. */
  linear(path: string, x: Value, size: readonly [number, number]): Value {
    const product = this.op(path, 'MatMul', [x, this.parameter(path, 'weight', size)]);
    return this.op(path, 'Add', [product, this.parameter(path, 'bias', [size[1]])]);
  }

  layerNorm(path: string, x: Value, width: number, epsilon: number): Value {
    const weight = this.parameter(path, 'weight', [width]);
    const bias = this.parameter(path, 'bias', [width]);
    return this.op(path, 'LayerNormalization', [x, weight, bias], {
      axis: -1,
      epsilon: float(epsilon),
    });
  }

  /** ½x(1 + erf(x/√2)), in operators of opset 17. */
  gelu(path: string, x: Value): Value {
    const erf = this.op(path, 'Erf', [this.op(path, 'Div', [x, Math.SQRT2])]);
    const product = this.op(path, 'Mul', [x, this.op(path, 'Add', [erf, 1])]);
    return this.op(path, 'Mul', [product, 0.5]);
  }

  #nodeName(base: string): string {
    const count = this.#counts.get(base) ?? 0;
    this.#counts.set(base, count + 1);
    return count === 0 ? base : `${base}_${count}`;
  }
}
