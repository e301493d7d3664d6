import type { ConstantMatrix } from '../../graph/facts/constant-matrix.ts';
import { passes } from '../../graph/facts/passing.ts';
import { GraphBuilder } from '../../onnx/builder.ts';
import { cloneModel } from '../../onnx/clone.ts';
import type { Node, Value } from '../../onnx/graph.ts';
import type { Model } from '../../onnx/model.ts';
import { inferGraph } from '../../onnx/shapes/infer.ts';
import { elementsOf, floatTensor, type Tensor } from '../../onnx/tensor.ts';
import { productOf } from './products.ts';

/** Of an activation [..., width], by its name: the largest |x| of every channel on some texts. */
export type ChannelRanges = ReadonlyMap<string, Float32Array>;

/** Ranges below this are no guide: the channel was never used. */
const LEAST = 1e-5;

/** The values that products with constant matrices read, each once: what ranges are wanted of. */
export function activationsOf({ graph }: Model): Value[] {
  const read = [...graph.nodes].flatMap((node) => productOf(node)?.activations ?? []);
  return [...new Set(read)];
}

/**
 * A copy of a model in which the outliers of activations are moved into the weights that meet them: x·W =
 * (x/s)·(s·W), with s = max|x|ᵃ / max|W|¹⁻ᵃ for each channel (SmoothQuant, Xiao et al. 2023, equation 4). All
 * of an activation is rounded by one scale, but a weight by one for each column, so that little is lost there.
 * Products that read one activation share s; weights that several activations meet stay.
 *
 * @param strength a, from 0 to 1
 */
export function smoothModel(source: Model, ranges: ChannelRanges, strength: number): Model {
  const model = cloneModel(source);
  const { graph } = model;
  inferGraph(graph);
  const b = new GraphBuilder(graph, 'smooth');
  for (const [x, readers] of readersByActivation(graph.nodes)) {
    const most = ranges.get(x.name);
    if (most === undefined || readers.some(({ matrix }) => rowsOf(matrix) !== most.length))
      continue;
    const weights = mostOfRows(readers.map(({ matrix }) => matrix));
    const scales = most.map(
      (range, j) =>
        Math.max(range, LEAST) ** strength / Math.max(weights[j] ?? 0, LEAST) ** (1 - strength),
    );
    const smooth = b.mul(
      x,
      b.constant(
        floatTensor(
          [scales.length],
          scales.map((s) => 1 / s),
        ),
        `${x.name}_smooth`,
      ),
    );
    for (const { node } of readers) node.setInput(0, smooth);
    const sources = new Map(readers.map(({ matrix }) => [matrix.source, matrix]));
    for (const matrix of sources.values()) scaleRows(matrix, scales);
  }
  return model;
}

interface Reader {
  readonly node: Node;
  readonly matrix: ConstantMatrix;
}

/** Activations whose weights nothing else reads, neither other activations nor a table that is looked up. */
function readersByActivation(nodes: ReadonlySet<Node>): Map<Value, Reader[]> {
  const found = new Map<Value, Reader[]>();
  const readBy = new Map<Tensor, Set<Value>>();
  for (const node of nodes) {
    const product = productOf(node);
    if (product === undefined) continue;
    const { activations, weight } = product;
    found.set(activations, [...(found.get(activations) ?? []), { node, matrix: weight }]);
    readBy.set(weight.tensor, (readBy.get(weight.tensor) ?? new Set()).add(activations));
  }
  const isOwn = ({ matrix: { tensor, source } }: Reader) =>
    readBy.get(tensor)?.size === 1 && isReadByProductsAlone(source);
  return new Map([...found].filter(([, readers]) => readers.every(isOwn)));
}

function isReadByProductsAlone(value: Value): boolean {
  return [...value.uses].every(({ node, index }) =>
    passes('order')(node)
      ? node.outputs.every((output) => output === undefined || isReadByProductsAlone(output))
      : index === 1 && productOf(node) !== undefined,
  );
}

/** As the graph reads it: [rows, columns], rows being the channels of the activation. */
const rowsOf = ({ tensor: { dims }, transposed }: ConstantMatrix): number =>
  dims[transposed ? 1 : 0] ?? 0;

function forEachWeight(
  { tensor, transposed }: ConstantMatrix,
  visit: (row: number, weight: number, at: number) => void,
): void {
  const [, second = 0] = tensor.dims;
  const weights = elementsOf(tensor) as Float32Array;
  for (const [at, weight] of weights.entries()) {
    visit(transposed ? at % second : Math.floor(at / second), weight, at);
  }
}

function mostOfRows(matrices: readonly ConstantMatrix[]): Float32Array {
  const most = new Float32Array(rowsOf(matrices[0] as ConstantMatrix));
  for (const matrix of matrices) {
    forEachWeight(matrix, (row, weight) => {
      most[row] = Math.max(most[row] ?? 0, Math.abs(weight));
    });
  }
  return most;
}

/** Multiplies the rows of a weight, where it is held. */
function scaleRows(matrix: ConstantMatrix, scales: Float32Array): void {
  const { tensor, source } = matrix;
  const values = new Float32Array(tensor.dims.reduce((n, dim) => n * dim, 1));
  forEachWeight(matrix, (row, weight, at) => {
    values[at] = weight * (scales[row] ?? 1);
  });
  const value = floatTensor(tensor.dims, values);
  if (source.initializer) source.initializer = value;
  else source.producer?.attributes.set('value', { kind: 'tensor', value });
}
