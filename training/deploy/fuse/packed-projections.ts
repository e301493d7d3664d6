import { GraphBuilder } from '../../onnx/builder.ts';
import type { Graph, Node, Value } from '../../onnx/graph.ts';
import { elementsOf, floatTensor, type Tensor } from '../../onnx/tensor.ts';

interface Projection {
  readonly node: Node;
  readonly output: Value;
  readonly weight: Tensor;
}

/** A product with a matrix of parameters that nothing else reads. */
function projectionOf(node: Node): Projection | undefined {
  const [, weight] = node.inputs;
  const [output] = node.outputs;
  const tensor = weight?.initializer;
  const own = node.op === 'MatMul' && node.domain === '' && weight?.uses.size === 1;
  if (!own || !output || tensor?.type !== 'float32' || tensor.dims.length !== 2) return undefined;
  return { node, output, weight: tensor };
}

/** Products of one value with several matrices → one product and a Split. Returns the number of products gone. */
export function packProjections(graph: Graph): number {
  const b = new GraphBuilder(graph, 'packed');
  const bySource = new Map<Value, Projection[]>();
  for (const node of graph.topologicalOrder()) {
    const projection = projectionOf(node);
    const [source] = node.inputs;
    if (!projection || !source) continue;
    const known = bySource.get(source);
    if (known) known.push(projection);
    else bySource.set(source, [projection]);
  }
  let gone = 0;
  for (const [source, projections] of bySource) {
    if (projections.length < 2 || projections.some(({ output }) => graph.outputs.includes(output)))
      continue;
    pack(b, source, projections);
    gone += projections.length - 1;
  }
  return gone;
}

function pack(b: GraphBuilder, source: Value, projections: readonly Projection[]): void {
  const tensor = sideBySide(projections.map(({ weight }) => weight));
  const weight = b.graph.addInitializer(b.graph.freshName('packed/weight'), tensor);
  const widths = projections.map((projection) => projection.weight.dims[1] ?? 0);
  const names = projections.map(({ output }) => `${output.name}/packed`);
  const pieces = b.node(
    'Split',
    [b.matMul(source, weight), b.ints(widths)],
    { axis: -1 },
    { outputs: names },
  );
  for (const [i, { output, node }] of projections.entries()) {
    const piece = pieces[i];
    if (piece) b.graph.replaceUses(output, piece);
    b.graph.removeNode(node);
  }
}

/** Matrices of as many rows, beside each other. */
function sideBySide(weights: readonly Tensor[]): Tensor {
  const rows = weights[0]?.dims[0] ?? 0;
  const width = weights.reduce((sum, { dims }) => sum + (dims[1] ?? 0), 0);
  const packed = new Float32Array(rows * width);
  let at = 0;
  for (const weight of weights) {
    const [elements, columns] = [elementsOf(weight) as Float32Array, weight.dims[1] ?? 0];
    for (let row = 0; row < rows; row++) {
      packed.set(elements.subarray(row * columns, (row + 1) * columns), row * width + at);
    }
    at += columns;
  }
  return floatTensor([rows, width], packed);
}
