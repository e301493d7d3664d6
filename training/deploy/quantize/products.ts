import { type ConstantMatrix, constantMatrix } from '../../graph/facts/constant-matrix.ts';
import type { GraphBuilder } from '../../onnx/builder.ts';
import type { Node, Value } from '../../onnx/graph.ts';

/** A product of activations and a constant matrix: alpha · x·W + beta · c. */
export interface Product {
  readonly activations: Value;
  readonly weight: ConstantMatrix;
  readonly alpha: number;
  readonly addend?: { readonly value: Value; readonly factor: number };
}

type Finder = (node: Node) => Product | undefined;

/** How each operator says a product; its second operand is the weight. */
const finders: Readonly<Record<string, Finder>> = {
  MatMul: ({ inputs: [x, w] }) => {
    const weight = constantMatrix(w);
    return x && weight && { activations: x, weight, alpha: 1 };
  },
  Gemm: (node) => {
    const [x, w, c] = node.inputs;
    const weight = constantMatrix(w);
    if (!x || !weight || (node.int('transA') ?? 0) !== 0) return undefined;
    const transposed = weight.transposed !== ((node.int('transB') ?? 0) !== 0);
    return {
      activations: x,
      weight: { ...weight, transposed },
      alpha: node.float('alpha') ?? 1,
      ...(c === undefined ? {} : { addend: { value: c, factor: node.float('beta') ?? 1 } }),
    };
  },
};

/** The product that a node computes, if it can be computed in 8 bits: float32 activations of at least two axes. */
export function productOf(node: Node): Product | undefined {
  if (node.domain !== '' || !Object.hasOwn(finders, node.op)) return undefined;
  const product = finders[node.op]?.(node);
  const { type, shape } = product?.activations ?? {};
  const floats = type === undefined || type === 'float32';
  return floats && (shape === undefined || shape.length >= 2) ? product : undefined;
}

/** An activation in 8 bits: x ≈ (q − zero) · scale, over all of it. */
export interface RoundedActivation {
  readonly values: Value;
  readonly scale: Value;
  readonly zero: Value;
}

/** `DynamicQuantizeLinear` of a value, once for all that read it: query, key and value share one. */
export function activationRounder(b: GraphBuilder): (x: Value) => RoundedActivation {
  const made = new Map<Value, RoundedActivation>();
  return (x) => {
    const known = made.get(x);
    if (known) return known;
    const outputs = ['quantized', 'scale', 'zero_point'].map((part) => `${x.name}_${part}`);
    const [values, scale, zero] = b.node('DynamicQuantizeLinear', [x], {}, { outputs });
    if (!values || !scale || !zero) throw new Error('DynamicQuantizeLinear has three outputs');
    const rounded = { values, scale, zero };
    made.set(x, rounded);
    return rounded;
  };
}
