import type { Attribute } from './attributes.ts';
import { Graph, type Node, type Value } from './graph.ts';
import type { Model } from './model.ts';

/** A copy of a model; see `cloneGraph`. */
export const cloneModel = (model: Model): Model => ({
  ...model,
  graph: cloneGraph(model.graph),
  metadata: new Map(model.metadata),
});

/**
 * A copy of a graph that shares nothing with it but the bytes of its tensors. What the file said beside
 * the graph itself (`extras`) is not copied.
 */
export function cloneGraph(graph: Graph, outer?: Graph): Graph {
  const copy = new Graph(graph.name, outer ? { outer } : { opset: graph.opset });
  if (!outer) for (const [domain, version] of graph.opsets) copy.opsets.set(domain, version);
  for (const input of graph.inputs) {
    if (input.initializer === undefined)
      copyFacts(input, copy.addInput(input.name, input.type, input.shape));
  }
  for (const value of graph.initializers) {
    if (value.initializer) copyFacts(value, copy.addInitializer(value.name, value.initializer));
  }
  for (const node of graph.topologicalOrder()) copyNode(node, copy);
  for (const output of graph.outputs) {
    const found = copy.find(output.name);
    if (found) copy.outputs.push(found);
  }
  return copy;
}

function copyNode(node: Node, into: Graph): void {
  const copy = into.addNode({
    op: node.op,
    domain: node.domain,
    name: node.name,
    inputs: node.inputs.map((value) => value && into.find(value.name)),
    outputs: node.outputs.map((value) => value?.name ?? ''),
    attributes: new Map(Array.from(node.attributes, ([name, a]) => [name, copyAttribute(a, into)])),
  });
  for (const [key, value] of node.metadata) copy.metadata.set(key, value);
  node.outputs.forEach((output, i) => {
    const target = copy.outputs[i];
    if (output && target) copyFacts(output, target);
  });
}

function copyAttribute(attribute: Attribute, outer: Graph): Attribute {
  if (attribute.kind !== 'graph') return attribute;
  return { kind: 'graph', value: cloneGraph(attribute.value, outer) };
}

function copyFacts(from: Value, to: Value): void {
  to.type = from.type;
  to.shape = from.shape;
  to.content = from.content;
}
