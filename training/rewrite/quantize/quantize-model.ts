import { AppError } from '../../../src/errors.ts';
import { isMadeUp, recoverModuleNames } from '../../artifacts/module-names.ts';
import { prune } from '../../artifacts/prune.ts';
import { GraphBuilder } from '../../onnx/builder.ts';
import { cloneModel } from '../../onnx/clone.ts';
import { requireOpset } from '../../onnx/codec/index.ts';
import type { Graph, Node, Value } from '../../onnx/graph.ts';
import type { Model } from '../../onnx/model.ts';
import { inferGraph } from '../../onnx/shapes/infer.ts';
import { refuseQuantized } from './already-quantized.ts';
import { constantMatrix } from './constant-matrix.ts';
import { activationRounder, type Product, productOf } from './products.ts';
import { LOOKUP_LIMIT, PRODUCT_LIMIT } from './round.ts';
import { type RoundedWeight, RoundedWeights } from './rounded-weights.ts';

export interface QuantizeOptions {
  /** Layers that stay in fp32: whether one does, by its name. */
  readonly keep?: (layer: string) => boolean;
}

/** A node whose weight can be rounded. */
export interface QuantizedLayer {
  /** The weight's name where it has one, else the node's. */
  readonly name: string;
  readonly op: string;
  readonly rows: number;
  readonly columns: number;
  /** Of the weights, relative: ‖w − ŵ‖ / ‖w‖. */
  readonly error: number;
}

export interface QuantizedModel {
  readonly model: Model;
  readonly layers: readonly QuantizedLayer[];
  /** Names of the layers that stayed in fp32 because `keep` said so. */
  readonly kept: readonly string[];
}

/**
 * A copy of a model with 8-bit weights: of MatMul and Gemm int8, symmetric, a scale for each column, their
 * activations rounded to uint8 at run time; of embeddings int8, a scale for each row. Inputs, outputs and
 * everything else stay. The operators are standard ones, in the form that the runtime fuses. AppError
 * `model_invalid` where the model is quantized already, has nothing to round, or an opset out of range.
 */
export function quantizeModel(source: Model, { keep }: QuantizeOptions = {}): QuantizedModel {
  requireOpset(source);
  refuseQuantized(source.graph);
  const model = cloneModel(source);
  const { graph } = model;
  inferGraph(graph);
  recoverModuleNames(graph);
  const b = new GraphBuilder(graph, 'int8');
  const weights = new RoundedWeights(graph);
  const rounded = activationRounder(b);
  const layers: QuantizedLayer[] = [];
  const kept: string[] = [];
  for (const node of graph.topologicalOrder()) {
    const layer = layerOf(node);
    if (layer === undefined) continue;
    if (keep?.(layer.name)) {
      kept.push(layer.name);
      continue;
    }
    const weight =
      layer.product === undefined
        ? lookUp(b, node, layer.name, weights)
        : multiply(b, node, layer.product, weights, layer.name, rounded);
    layers.push({ name: layer.name, op: node.op, ...facts(weight) });
  }
  if (layers.length + kept.length === 0) throw nothingToRound(graph);
  prune(graph);
  return { model, layers, kept };
}

interface Layer {
  readonly name: string;
  /** undefined: rows of a table are looked up. */
  readonly product?: Product;
}

function layerOf(node: Node): Layer | undefined {
  const product = productOf(node);
  if (product) return { name: nameOf(node, product.weight.source), product };
  const isLookUp = node.op === 'Gather' && node.domain === '' && (node.int('axis') ?? 0) === 0;
  const table = isLookUp ? constantMatrix(node.inputs[0]) : undefined;
  return table && { name: nameOf(node, table.source) };
}

const nameOf = (node: Node, { name }: Value): string =>
  isMadeUp(name) && node.name !== '' ? node.name : name;

const facts = ({ rows, columns, error }: RoundedWeight) => ({ rows, columns, error });

/** x·W as MatMulInteger of 8-bit numbers, brought back to float32 by both scales. */
function multiply(
  b: GraphBuilder,
  node: Node,
  { activations, weight, alpha, addend }: Product,
  weights: RoundedWeights,
  name: string,
  rounder: ReturnType<typeof activationRounder>,
): RoundedWeight {
  const rounded = weights.product(weight, name, PRODUCT_LIMIT, alpha);
  const x = rounder(activations);
  const sums = b.op('MatMulInteger', [x.values, rounded.values, x.zero]);
  // Operands in the order that the runtime's fusion to MatMulIntegerToFloat looks for.
  let result = b.mul(b.cast(sums, 'float32'), b.mul(x.scale, rounded.scales));
  if (addend && addend.factor !== 0) {
    const { value, factor } = addend;
    result = b.add(result, factor === 1 ? value : b.mul(value, factor));
  }
  replace(b.graph, node, result);
  return rounded;
}

/** Rows of an int8 table, times their scales. */
function lookUp(b: GraphBuilder, node: Node, name: string, weights: RoundedWeights): RoundedWeight {
  const [table, indices] = node.inputs;
  const matrix = constantMatrix(table);
  if (!matrix || !indices) throw new AppError('internal', `${node} looks nothing up`);
  const rounded = weights.table(matrix, name, LOOKUP_LIMIT);
  const rows = b.op('Gather', [rounded.values, indices], { axis: 0 });
  const scales = b.op('Gather', [rounded.scales, indices], { axis: 0 });
  replace(b.graph, node, b.mul(b.cast(rows, 'float32'), scales));
  return rounded;
}

/** Lets the readers of a node read another value, under the old name where that was an output of the graph. */
function replace(graph: Graph, node: Node, by: Value): void {
  const [output] = node.outputs;
  if (output === undefined) return;
  const isOutput = graph.outputs.includes(output);
  by.shape ??= output.shape;
  graph.replaceUses(output, by);
  const { name } = output;
  graph.removeNode(node);
  if (isOutput) graph.rename(by, name);
}

const nothingToRound = ({ name }: Graph): AppError =>
  new AppError(
    'model_invalid',
    `the graph "${name}" has nothing to quantize: no MatMul, Gemm or Gather with a constant float32 matrix`,
    { hint: 'expected an fp32 model; mbti-model inspect says what a graph holds' },
  );
