import { InferenceSession, Tensor } from 'onnxruntime-node';
import { GraphBuilder } from '../../dist/training/onnx/builder.js';
import { encodeModel } from '../../dist/training/onnx/codec/index.js';
import { Graph } from '../../dist/training/onnx/graph.js';
import { newModel } from '../../dist/training/onnx/model.js';
import { floatTensor } from '../../dist/training/onnx/tensor.js';

const tensor = (shape) => {
  const size = shape.reduce((n, dim) => n * dim, 1);
  const values = Float32Array.from({ length: size }, (_, i) => ((i * 7919) % 1000) / 1000 - 0.5);
  return new Tensor('float32', values, shape);
};

/**
 * All products in one graph, by the runtime's own transposing product where one is needed, each as often as it
 * occurs; without the runtime's optimizations, which would compute equal ones once.
 */
export async function openProducts(products, { threads, constantWeights = false }) {
  const graph = new Graph('products', { opset: 17 });
  graph.opsets.set('com.microsoft', 1);
  const feeds = {};
  for (const [i, { a, b, output, count }] of products.entries()) {
    const inputs = [a, b].map(({ shape }, k) => {
      const name = `${'ab'[k]}${i}`;
      if (constantWeights && k === 1 && shape.length === 2) {
        return graph.addInitializer(name, floatTensor(shape, tensor(shape).data));
      }
      feeds[name] = tensor(shape);
      return graph.addInput(name, 'float32', shape);
    });
    const trans = { transA: Number(a.transposed), transB: Number(b.transposed) };
    const plain = !a.transposed && !b.transposed;
    const flat = a.shape.length === 2 && b.shape.length === 2;
    const op = flat ? 'Gemm' : plain ? 'MatMul' : 'FusedMatMul';
    for (let k = 0; k < count; k++) {
      const y = new GraphBuilder(graph).op(
        op,
        inputs,
        op === 'MatMul' ? {} : trans,
        op === 'FusedMatMul' ? { domain: 'com.microsoft' } : {},
      );
      Object.assign(y, { type: 'float32', shape: output });
      graph.outputs.push(y);
    }
  }
  const session = await InferenceSession.create(encodeModel(newModel(graph)), {
    intraOpNumThreads: threads,
    interOpNumThreads: 1,
    logSeverityLevel: 3,
    graphOptimizationLevel: 'disabled',
    enableMemPattern: false,
    extra: { session: { intra_op: { allow_spinning: '0' } } },
  });
  // What is not fetched is computed all the same.
  return {
    run: () => session.run(feeds, [graph.outputs.at(-1).name]),
    release: () => session.release(),
  };
}
