import { AppError } from '../../src/errors.ts';
import { nameShown } from '../../src/files/index.ts';
import { constantScalar } from '../graph/facts/constants.ts';
import { GraphBuilder } from '../onnx/builder.ts';
import { sameShape } from '../onnx/dim.ts';
import type { Graph, Node, Value } from '../onnx/graph.ts';
import { inferNode } from '../onnx/shapes/infer.ts';
import { addGradients } from './gradients.ts';
import { descendants, type Layer, layersOf } from './layers.ts';
import { maskedLike } from './rules/normalization.ts';

/**
 * `addGradients` with activation checkpointing: what the backward nodes read of a layer's activations is computed
 * again, from the layer's input, when the gradient of its output has arrived. Kept are the layers' inputs,
 * dropout's masks, and statistics of one number a row. The last layer's activations are kept: its turn comes at once.
 *
 * The runtime would merge the second computation with the first. So its input is the first one's reshaped
 * to the shape of that gradient: the same bytes, which are not there before.
 *
 * @throws AppError `config_invalid` for a graph without layers, else as `addGradients`
 */
export function addGradientsRecomputing(
  graph: Graph,
  cotangents: ReadonlyMap<Value, Value>,
  wrt: readonly Value[],
): Map<Value, Value> {
  const layers = [...cotangents.keys()].flatMap((result) => layersOf(graph, result));
  if (layers.length === 0) throw withoutLayers(graph);
  const forward = new Set(graph.nodes);
  const readers = wrt.flatMap(({ uses }) => [...uses].map(({ node }) => node));
  const trained = descendants(graph.topologicalOrder(), readers);
  const active = layers.filter(({ output }) => output.producer && trained.has(output.producer));
  const outputs = active.map(({ output }) => output);
  const gradients = addGradients(graph, cotangents, [...wrt, ...outputs]);
  for (const layer of active) {
    const gradient = gradients.get(layer.output);
    if (gradient !== undefined) recomputeLayer(graph, layer, gradient, forward);
  }
  return gradients;
}

/** Lets the nodes that are not of the forward graph read what is computed again. */
function recomputeLayer(
  graph: Graph,
  layer: Layer,
  gradient: Value,
  forward: ReadonlySet<Node>,
): void {
  const copies = new LayerCopies(graph, layer, gradient);
  const values = [...layer.nodes].flatMap(({ outputs }) => outputs.filter((value) => !!value));
  for (const value of values.filter((value) => !isKept(value, layer))) {
    for (const { node, index } of [...value.uses]) {
      const isBackward = !forward.has(node) && !copies.nodes.has(node);
      if (isBackward) node.setInput(index, copies.of(value));
    }
  }
}

const withoutLayers = (graph: Graph): AppError =>
  new AppError(
    'config_invalid',
    `recomputation by layers finds no layers in the graph ${nameShown(graph.name)}`,
    {
      hint: 'Expected are two or more layers whose parameters are numbered, as in encoder.layer.0.output.dense.weight, each of which hands one value to the next. recompute=none keeps all activations.',
    },
  );

/** What is small beside an activation: the mask, one byte an element, and one number a row. */
const isKept = (value: Value, { output }: Layer): boolean =>
  value === output || isMask(value) || value.shape?.at(-1) === 1;

const isMask = ({ producer, type }: Value): boolean =>
  producer?.op === 'Dropout' && type === 'bool';

/** The second computation of a layer's values. */
class LayerCopies {
  readonly nodes = new Set<Node>();
  readonly #graph: Graph;
  readonly #layer: Layer;
  readonly #b: GraphBuilder;
  readonly #shape: Value;
  readonly #copies = new Map<Value, Value>();

  constructor(graph: Graph, layer: Layer, gradient: Value) {
    this.#graph = graph;
    this.#layer = layer;
    this.#b = new GraphBuilder(graph, `recompute/${layer.output.name}`);
    this.#shape = this.#b.op('Shape', [gradient]);
  }

  /** The value computed again; itself where it does not depend on the layer's input. */
  of(value: Value): Value {
    const known = this.#copies.get(value);
    if (known !== undefined) return known;
    const copy = this.#make(value);
    this.#copies.set(value, copy);
    return copy;
  }

  #make(value: Value): Value {
    const { producer } = value;
    if (producer === undefined) return value;
    if (!this.#layer.nodes.has(producer)) {
      const isInput = value.shape && sameShape(value.shape, this.#layer.output.shape ?? []);
      if (!isInput) return value;
      const late = this.#b.reshape(value, this.#shape);
      late.shape = value.shape;
      return late;
    }
    if (isMask(value)) return value;
    const inputs = producer.inputs.map((input) => input && this.of(input));
    if (inputs.every((input, i) => input === producer.inputs[i])) return value;
    if (producer.op === 'Dropout' && constantScalar(producer.inputs[2]) === 1) {
      return maskedLike(this.#b, producer, inputs[0] ?? value);
    }
    return this.#copyNode(producer, inputs, value);
  }

  #copyNode(node: Node, inputs: readonly (Value | undefined)[], wanted: Value): Value {
    const graph = this.#graph;
    const copy = graph.addNode({
      op: node.op,
      domain: node.domain,
      name: graph.freshNodeName(`recompute/${node.name}`),
      inputs,
      outputs: node.outputs.map((output) =>
        output ? graph.freshName(`recompute/${output.name}`) : '',
      ),
      attributes: node.attributes,
    });
    inferNode(copy);
    this.nodes.add(copy);
    let result = wanted;
    node.outputs.forEach((output, i) => {
      const again = copy.outputs[i];
      if (output === undefined || again === undefined) return;
      again.type = output.type;
      again.shape = output.shape;
      this.#copies.set(output, again);
      if (output === wanted) result = again;
    });
    return result;
  }
}
