import { AppError } from '../../src/errors.ts';
import type { GraphBuilder } from '../onnx/builder.ts';
import type { Node, Value } from '../onnx/graph.ts';

/** What a rule sees of the node that it differentiates. */
export class RuleContext {
  readonly node: Node;
  readonly b: GraphBuilder;
  readonly #upstream: readonly (Value | undefined)[];

  constructor(node: Node, b: GraphBuilder, upstream: readonly (Value | undefined)[]) {
    this.node = node;
    this.b = b;
    this.#upstream = upstream;
  }

  /** Input i, which must be there. */
  x(i = 0): Value {
    return this.#present(this.node.inputs[i], `input ${i}`);
  }

  /** Output i of the forward node. */
  y(i = 0): Value {
    return this.#present(this.node.outputs[i], `output ${i}`);
  }

  /** The gradient of the loss with respect to the first output. */
  get dy(): Value {
    return this.#present(this.#upstream[0], 'the gradient of output 0');
  }

  /** The gradient with respect to output i, or undefined where the loss does not depend on it. */
  dyOf(i: number): Value | undefined {
    return this.#upstream[i];
  }

  /** The rank of input i. */
  rank(i = 0): number {
    return this.shape(i).length;
  }

  /** The symbolic shape of input i. */
  shape(i = 0): NonNullable<Value['shape']> {
    const value = this.x(i);
    if (value.shape === undefined) {
      throw this.unsupported(`the rank of its input ${value} is not known`);
    }
    return value.shape;
  }

  /** An axis counted from the front. */
  axis(axis: number, rank = this.rank()): number {
    return axis < 0 ? axis + rank : axis;
  }

  unsupported(why: string): AppError {
    return new AppError('operator_unsupported', `${this.node} cannot be differentiated: ${why}`, {
      hint: '`mbti-model inspect` lists the operators of a graph and which of them can be trained.',
    });
  }

  #present(value: Value | undefined, what: string): Value {
    if (value === undefined) throw this.unsupported(`${what} is missing`);
    return value;
  }
}

/** Makes the gradient of one input, when it is wanted. */
export type InputGradient = () => Value;

export interface Rule {
  /**
   * The gradient of each input, in order. `undefined` (or nothing) for an input that no rule covers: a
   * trainable value there is an error.
   */
  readonly vjp: (context: RuleContext) => readonly (InputGradient | undefined)[];
  /** The operator broadcasts its inputs: the walk sums each gradient back to its input's shape. */
  readonly broadcasts?: true;
  /** The rule handles gradients of other outputs than the first. */
  readonly allOutputs?: true;
}

export type RuleTable = Readonly<Record<string, Rule>>;

/** Computes once what several inputs' gradients share. */
export function once(make: () => Value): () => Value {
  let value: Value | undefined;
  return () => {
    value ??= make();
    return value;
  };
}
