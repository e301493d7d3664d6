import { prune } from '../../dist/training/graph/transforms/prune.js';
import { GraphBuilder } from '../../dist/training/onnx/builder.js';
import { cloneModel } from '../../dist/training/onnx/clone.js';
import { inferGraph } from '../../dist/training/onnx/shapes/infer.js';

const ZERO = 128;
const UINT8 = 2;

/**
 * An int8 graph of ours whose activations are rounded with a scale for each token instead of one for all: symmetric
 * around 128, in standard operators, as the runtime's DynamicQuantizeLinear knows one scale alone. Then no text
 * depends on what else is in its row.
 */
export function scalePerToken(quantized) {
  const model = cloneModel(quantized);
  const { graph } = model;
  inferGraph(graph);
  const b = new GraphBuilder(graph, 'rows');
  for (const node of graph.topologicalOrder()) {
    if (node.op === 'DynamicQuantizeLinear') roundRows(b, node);
  }
  prune(graph);
  inferGraph(graph, { forget: true });
  return model;
}

function roundRows(b, { inputs: [x], outputs: [values, scale, zero] }) {
  const axes = b.graph.opset < 18 ? [[], { axes: [-1] }] : [[b.ints([-1])], {}];
  const most = b.op('ReduceMax', [b.op('Abs', [x]), ...axes[0]], { ...axes[1], keepdims: 1 });
  const scales = b.op('Max', [b.mul(most, 1 / (ZERO - 1)), b.scalar(1e-30, 'float32')]);
  const whole = b.add(b.op('Round', [b.op('Div', [x, scales])]), ZERO);
  b.graph.replaceUses(values, b.op('Cast', [whole], { to: UINT8 }));
  b.graph.replaceUses(zero, b.scalar(ZERO, 'uint8'));
  // The product of both scales would be as large as the result: one after the other instead.
  for (const { node } of [...scale.uses]) {
    const weights = node.inputs.find((input) => input !== scale);
    for (const { node: product } of [...node.outputs[0].uses]) {
      const sums = product.inputs.find((input) => input !== node.outputs[0]);
      b.graph.replaceUses(product.outputs[0], b.mul(b.mul(sums, weights), scales));
    }
  }
}
