import { cloneModel } from '../../dist/training/onnx/clone.js';
import { inferGraph } from '../../dist/training/onnx/shapes/infer.js';

const isLastTwoSwapped = (node) => {
  const perm = node?.op === 'Transpose' ? node.ints('perm') : undefined;
  const n = perm?.length ?? 0;
  return n > 1 && perm.every((from, to) => from === (to < n - 2 ? to : 2 * n - 3 - to));
};

/** An operand as the runtime reads it: without the Transpose before it, which it fuses into the product. */
function operand(value, transposed) {
  const swapped = isLastTwoSwapped(value.producer);
  const source = swapped ? value.producer.inputs[0] : value;
  return { shape: source.shape, transposed: transposed !== swapped };
}

/**
 * The matrix products of a training graph at one size of batch: for each distinct one the shapes of its
 * operands, which of them are transposed, and how often it occurs.
 */
export function matrixProducts(model, batch, length) {
  const { graph } = cloneModel(model);
  for (const input of graph.inputs) {
    if (input.name === 'labels') input.shape = [batch, input.shape[1]];
    else if (input.type === 'int64') input.shape = [batch, length];
  }
  inferGraph(graph, { forget: true });
  const products = new Map();
  for (const node of graph.nodes) {
    if (node.op !== 'MatMul' && node.op !== 'Gemm') continue;
    const [a, b] = ['transA', 'transB'].map((name, i) =>
      operand(node.inputs[i], node.op === 'Gemm' && node.int(name) === 1),
    );
    const product = { a, b, output: node.outputs[0].shape };
    if (![a.shape, b.shape, product.output].flat().every((dim) => typeof dim === 'number'))
      throw new Error(`${node}: the shapes are not known`);
    const key = JSON.stringify(product);
    const known = products.get(key) ?? { ...product, count: 0 };
    known.count++;
    products.set(key, known);
  }
  return [...products.values()];
}

/** Floating-point operations: two for each multiplication with its addition. */
export const flopsOf = (products) =>
  products.reduce((sum, { a, output, count }) => {
    const inner = a.shape.at(a.transposed ? -2 : -1);
    return sum + 2 * count * inner * output.reduce((n, dim) => n * dim, 1);
  }, 0);
