import type { ConstantMatrix } from '../../graph/facts/constant-matrix.ts';
import { givenTensor } from '../../graph/facts/constants.ts';
import { isLayout, toHalf } from '../../graph/transforms/half.ts';
import { recoverModuleNames } from '../../graph/transforms/module-names.ts';
import { prune } from '../../graph/transforms/prune.ts';
import { GraphBuilder } from '../../onnx/builder.ts';
import { cloneModel } from '../../onnx/clone.ts';
import { requireOpset } from '../../onnx/codec/index.ts';
import type { Graph, Node, Value } from '../../onnx/graph.ts';
import type { Model } from '../../onnx/model.ts';
import { inferGraph } from '../../onnx/shapes/infer.ts';
import {
  elementsOf,
  fitsFloat16,
  float16Bits,
  float16Tensor,
  float16Value,
  type Tensor,
} from '../../onnx/tensor.ts';
import { nothingToRound, refuseQuantized } from './already-quantized.ts';
import { layerOf, type QuantizedLayer, type QuantizedModel } from './layer.ts';
import { replace } from './nodes.ts';
import { notFinite } from './round.ts';

/**
 * A copy of a model that computes its products in float16, by the policy of `toHalf`, and holds their weights and the
 * tables that it looks up in float16. Names and types of inputs and outputs stay: int64 ids, float32 results. What
 * float16 does not hold stays float32: weights beyond ±65504, masks, normalisation, softmax. AppError `model_invalid`
 * as quantizeModel.
 */
export function halfModel(source: Model, keep: (layer: string) => boolean): QuantizedModel {
  requireOpset(source);
  refuseQuantized(source.graph);
  const model = cloneModel(source);
  const { graph } = model;
  inferGraph(graph);
  recoverModuleNames(graph);
  const layers: QuantizedLayer[] = [];
  const kept: string[] = [];
  const inFloats = new Set<Node>();
  const tables: Node[] = [];
  const looks = new Map<Tensor, ReturnType<typeof lookedAt>>();
  const look = (matrix: ConstantMatrix) => {
    const found = looks.get(matrix.tensor) ?? lookedAt(matrix);
    looks.set(matrix.tensor, found);
    return found;
  };
  for (const node of graph.topologicalOrder()) {
    const layer = layerOf(node);
    if (layer === undefined) continue;
    const { name, matrix, product } = layer;
    const found = keep(name) ? undefined : look(matrix);
    if (!found?.fits) {
      kept.push(name);
      inFloats.add(node);
      continue;
    }
    layers.push({ name, op: node.op, ...sizesOf(matrix), error: found.error });
    if (!product) tables.push(node);
  }
  if (layers.length + kept.length === 0) throw nothingToRound(graph);
  toHalf(graph, (node) => inFloats.has(node));
  const halves = new Halves(graph);
  for (const node of tables) lookUpInHalf(graph, node, halves);
  for (const node of [...graph.nodes]) storeCast(graph, node, halves);
  prune(graph);
  return { model, layers, kept };
}

/** Of a matrix, once for all that read it: whether float16 holds it, and the relative error. AppError `model_invalid`. */
function lookedAt({ tensor, source }: ConstantMatrix): { fits: boolean; error: number } {
  const weights = elementsOf(tensor) as Float32Array;
  if (!weights.every(Number.isFinite)) throw notFinite(source.name);
  if (!fitsFloat16(weights)) return { fits: false, error: 0 };
  let [lost, all] = [0, 0];
  for (const weight of weights) {
    lost += (weight - float16Value(float16Bits(weight))) ** 2;
    all += weight ** 2;
  }
  return { fits: true, error: all === 0 ? 0 : Math.sqrt(lost / all) };
}

function sizesOf({ tensor, transposed }: ConstantMatrix) {
  const [rows = 0, columns = 0] = transposed ? [...tensor.dims].reverse() : tensor.dims;
  return { rows, columns };
}

/** Rows of a float16 table, as float32 again: what reads them normalises them. */
function lookUpInHalf(graph: Graph, node: Node, halves: Halves): void {
  const [table, ...which] = node.inputs;
  const half = table && halves.of(table);
  if (!half) return;
  const b = new GraphBuilder(graph, 'fp16');
  const rows = b.op(node.op, [half, ...which], Object.fromEntries(node.attributes));
  replace(graph, node, b.cast(rows, 'float32'));
}

/** A constant that is cast to float16 is held in float16. */
function storeCast(graph: Graph, node: Node, halves: Halves): void {
  const [output] = node.outputs;
  const [input] = node.inputs;
  if (node.op !== 'Cast' || node.domain !== '' || output?.type !== 'float16' || !input) return;
  const half = halves.of(input);
  if (!half) return;
  graph.replaceUses(output, half);
  graph.removeNode(node);
}

/** So many nodes that lay a constant out are made anew. */
const MOST_LAYOUTS = 32;

/** Constants of a graph in float16, each held once. */
class Halves {
  readonly #graph: Graph;
  readonly #builder: GraphBuilder;
  readonly #known = new Map<Value | Tensor, Value>();

  constructor(graph: Graph) {
    this.#graph = graph;
    this.#builder = new GraphBuilder(graph, 'fp16');
  }

  /** The same constant in float16, also behind nodes that lay it out in another way; undefined where it is computed. */
  of(value: Value, depth = 0): Value | undefined {
    const known = this.#known.get(value);
    if (known) return known;
    const made = depth > MOST_LAYOUTS ? undefined : this.#make(value, depth);
    if (made) this.#known.set(value, made);
    return made;
  }

  #make(value: Value, depth: number): Value | undefined {
    const { producer } = value;
    if (producer && isLayout(producer)) {
      const [input, ...rest] = producer.inputs;
      const half = input && this.of(input, depth + 1);
      const attributes = Object.fromEntries(producer.attributes);
      return half && this.#builder.op(producer.op, [half, ...rest], attributes);
    }
    const tensor = givenTensor(value);
    return tensor?.type === 'float32' ? this.#hold(tensor, value.name) : undefined;
  }

  /** Exporters split a shared weight into values of one tensor. */
  #hold(tensor: Tensor, name: string): Value {
    const known = this.#known.get(tensor);
    if (known) return known;
    const half = float16Tensor(tensor.dims, elementsOf(tensor) as Float32Array);
    const made = this.#graph.addInitializer(this.#graph.freshName(`${name}_fp16`), half);
    this.#known.set(tensor, made);
    return made;
  }
}
