import type { Value } from '../onnx/graph.ts';
import type { ModuleBuilder } from './module-builder.ts';

type Build = (m: ModuleBuilder, path: string, x: Value) => Value;

const erfGelu: Build = (m, path, x) => m.gelu(path, x);

/** ½x(1 + tanh(√(2/π)(x + 0.044715x³))), in operators of opset 17. */
const tanhGelu: Build = (m, path, x) => {
  const cube = m.op(path, 'Mul', [m.op(path, 'Pow', [x, 3]), 0.044715]);
  const inner = m.op(path, 'Mul', [m.op(path, 'Add', [x, cube]), Math.sqrt(2 / Math.PI)]);
  const raised = m.op(path, 'Add', [m.op(path, 'Tanh', [inner]), 1]);
  return m.op(path, 'Mul', [m.op(path, 'Mul', [x, 0.5]), raised]);
};

/** transformers' names of activations that the graphs can hold. */
const activations = {
  gelu: erfGelu,
  relu: (m, path, x) => m.op(path, 'Relu', [x]),
  gelu_new: tanhGelu,
  gelu_fast: tanhGelu,
  gelu_pytorch_tanh: tanhGelu,
  gelu_python: erfGelu,
} as const satisfies Record<string, Build>;

export type Activation = keyof typeof activations;

export const activationNames = Object.keys(activations) as Activation[];

export const activate = (m: ModuleBuilder, name: Activation, path: string, x: Value): Value =>
  activations[name](m, path, x);
