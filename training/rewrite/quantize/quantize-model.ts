import { AppError } from '../../../src/errors.ts';
import { isMadeUp, recoverModuleNames } from '../../artifacts/module-names.ts';
import { declareDomains } from '../../artifacts/opset.ts';
import { prune } from '../../artifacts/prune.ts';
import { GraphBuilder } from '../../onnx/builder.ts';
import { cloneModel } from '../../onnx/clone.ts';
import { requireOpset } from '../../onnx/codec/index.ts';
import type { Graph, Node, Value } from '../../onnx/graph.ts';
import type { Model } from '../../onnx/model.ts';
import { inferGraph } from '../../onnx/shapes/infer.ts';
import { refuseQuantized } from './already-quantized.ts';
import { type ConstantMatrix, constantMatrix } from './constant-matrix.ts';
import { lookUp, replacements, type Scheme, store } from './nodes.ts';
import { type Product, productOf } from './products.ts';
import { type RoundedWeight, RoundedWeights } from './rounded-weights.ts';

export interface QuantizeOptions {
  /** Left out: int8. */
  readonly scheme?: Scheme;
  /** Whether a layer stays as it is, by its name. */
  readonly keep?: (layer: string) => boolean;
  /**
   * Whether a product is computed in fp32 with weights that the file holds in 8 bits: for layers whose
   * activations suffer. The runtime makes them fp32 once, when it loads the file.
   */
  readonly storeOnly?: (layer: string) => boolean;
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
  /** Names of the layers that are computed in fp32, because `keep` or `storeOnly` said so. */
  readonly kept: readonly string[];
}

/**
 * A copy of a model with rounded weights. Of MatMul and Gemm, by the scheme: `int8`, symmetric, a scale for each column,
 * and the activations rounded to uint8 at run time, in standard operators and the form that the runtime fuses;
 * `weight8` and `weight4`, a scale for each block of a column (the runtime's own MatMulNBits). Of embeddings int8,
 * a scale for each row. Inputs, outputs and everything else stay. AppError `model_invalid` where the
 * model is quantized already, has nothing to round, or an opset out of range.
 */
export function quantizeModel(source: Model, options: QuantizeOptions = {}): QuantizedModel {
  requireOpset(source);
  refuseQuantized(source.graph);
  const model = cloneModel(source);
  const { graph } = model;
  inferGraph(graph);
  recoverModuleNames(graph);
  const b = new GraphBuilder(graph, 'int8');
  const weights = new RoundedWeights(graph);
  const multiply = replacements[options.scheme ?? 'int8'](b, weights);
  const layers: QuantizedLayer[] = [];
  const kept: string[] = [];
  for (const node of graph.topologicalOrder()) {
    const layer = layerOf(node);
    if (layer === undefined) continue;
    const { name, product } = layer;
    const inFloats = options.keep?.(name) || (product && options.storeOnly?.(name));
    if (inFloats) kept.push(name);
    if (options.keep?.(name)) continue;
    const weight = !product
      ? lookUp(b, node, name, weights)
      : inFloats
        ? store(b, node, product, weights, name)
        : multiply(node, product, name);
    layers.push({ name, op: node.op, ...facts(weight) });
  }
  if (layers.length + kept.length === 0) throw nothingToRound(graph);
  prune(graph);
  declareDomains(graph);
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
  const table = readsRows(node) ? constantMatrix(node.inputs[0]) : undefined;
  if (table === undefined || rowsOf(table) < FEWEST_ROWS) return undefined;
  return { name: nameOf(node, table.source) };
}

/** Tables of fewer rows, such as those of token types, are not worth their error. */
const FEWEST_ROWS = 16;

const rowsOf = ({ tensor, transposed }: ConstantMatrix): number =>
  tensor.dims[transposed ? 1 : 0] ?? 0;

/** Whether a node takes whole rows of its first input: Gather on axis 0, or Slice of axis 0 alone. */
function readsRows(node: Node): boolean {
  if (node.domain !== '') return false;
  if (node.op === 'Gather') return (node.int('axis') ?? 0) === 0;
  const axes = node.op === 'Slice' ? node.inputs[3]?.content : undefined;
  return axes?.length === 1 && axes[0] === 0;
}

const nameOf = (node: Node, { name }: Value): string =>
  isMadeUp(name) && node.name !== '' ? node.name : name;

const facts = ({ rows, columns, error }: RoundedWeight) => ({ rows, columns, error });

const nothingToRound = ({ name }: Graph): AppError =>
  new AppError(
    'model_invalid',
    `the graph "${name}" has nothing to quantize: no MatMul, Gemm or Gather with a constant float32 matrix`,
    { hint: 'expected an fp32 model; mbti-model inspect says what a graph holds' },
  );
