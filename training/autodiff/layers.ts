import type { Graph, Node, Value } from '../onnx/graph.ts';
import { isFloat } from '../onnx/tensor.ts';

/** A layer of a stack: what lies between the one before it and the one value that the rest of the graph reads. */
export interface Layer {
  /** The nodes that compute `output` from the output of the layer before, or from what the first layer reads. */
  readonly nodes: ReadonlySet<Node>;
  /** The value through which every path from this layer to the results leads. */
  readonly output: Value;
}

/**
 * The layers of a forward graph but the last one, in order. Which parameters form a layer is told by the first
 * number in their names (`encoder.layer.3.output.dense.weight`); where a layer ends is told by the graph alone.
 * Layers without such an end form one with the next.
 */
export function layersOf(graph: Graph, result: Value): Layer[] {
  const order = graph.topologicalOrder();
  const needed = ancestors(result);
  const layers: Layer[] = [];
  for (const readers of stacks(graph)) {
    let before: ReadonlySet<Node> = new Set();
    const seen: Node[] = [];
    for (const [i, own] of readers.slice(0, -1).entries()) {
      for (const node of own) seen.push(node);
      const later = descendants(order, readers.slice(i + 1).flat());
      const reached = descendants(order, seen);
      const path = order.filter((node) => reached.has(node) && needed.has(node));
      const output = cuts(path, seen).findLast(({ producer }) => producer && !later.has(producer));
      if (output === undefined) continue;
      const until = ancestors(output);
      const nodes = new Set(path.filter((node) => until.has(node) && !before.has(node)));
      layers.push({ nodes, output });
      before = until;
    }
  }
  return layers;
}

/** For each stack of layers, layer by layer, the nodes that read the layer's parameters. */
function stacks(graph: Graph): Node[][][] {
  const found = new Map<string, Map<number, Node[]>>();
  for (const { name, uses } of graph.initializers) {
    const [, stack, number] = /^(.*?)\.(\d+)\./.exec(name) ?? [];
    if (stack === undefined) continue;
    const layers = found.get(stack) ?? new Map<number, Node[]>();
    const readers = [...uses].map(({ node }) => node);
    const own = layers.get(Number(number)) ?? [];
    for (const reader of readers) own.push(reader);
    layers.set(Number(number), own);
    found.set(stack, layers);
  }
  return [...found.values()].map((layers) =>
    [...layers].sort(([a], [b]) => a - b).map(([, nodes]) => nodes),
  );
}

/**
 * The values through which every path from the sources leads. In a topological order of the nodes that lie on
 * paths, they are those that no edge leaps over.
 */
function cuts(path: readonly Node[], sources: readonly Node[]): Value[] {
  const position = new Map(path.map((node, i) => [node, i]));
  let reach = sources.reduce((most, node) => Math.max(most, position.get(node) ?? 0), 0);
  return path.flatMap((node, i) => {
    const isCut = reach <= i;
    const read = node.outputs.filter((output) => output && output.uses.size > 0);
    for (const output of read) {
      for (const use of output?.uses ?? []) reach = Math.max(reach, position.get(use.node) ?? 0);
    }
    const [value] = read;
    return isCut && read.length === 1 && value && isFloat(value.type) ? [value] : [];
  });
}

/** The nodes that depend on any of the sources, the sources with them. */
export function descendants(order: readonly Node[], sources: readonly Node[]): Set<Node> {
  const found = new Set(sources);
  for (const node of order) {
    if (node.inputs.some((input) => input?.producer && found.has(input.producer))) found.add(node);
  }
  return found;
}

/** The nodes that a value depends on. */
function ancestors(value: Value): Set<Node> {
  const found = new Set<Node>();
  const open = [value.producer];
  for (let node = open.pop(); open.length > 0 || node; node = open.pop()) {
    if (node === undefined || found.has(node)) continue;
    found.add(node);
    for (const input of node.inputs) open.push(input?.producer);
  }
  return found;
}
