import type { Graph, Node, Value } from '../graph.ts';
import type { Tensor } from '../tensor.ts';
import { tensorContent } from './content.ts';
import { merge } from './merge.ts';
import { ruleOf } from './rules.ts';

/**
 * Sets types, shapes and small integer contents of a node's outputs, as far as its inputs tell, and
 * merges
 * them with what was declared. Throws `model_invalid`, naming the node, on a contradiction.
 */
export function inferNode(node: Node): void {
  const inferred = ruleOf(node)?.(node, inferGraph) ?? [];
  node.outputs.forEach((output, i) => {
    const found = inferred[i];
    if (output !== undefined && found !== undefined) merge(node, output, found);
  });
}

/**
 * Infers all nodes of a graph and of the bodies inside it. `forget` drops what was known before.
 */
export function inferGraph(graph: Graph, options: { readonly forget?: boolean } = {}): void {
  for (const value of graph.values.values()) {
    if (value.initializer !== undefined) readInitializer(value, value.initializer);
    else if (value.producer === undefined) value.content = undefined;
  }
  for (const node of graph.topologicalOrder()) {
    if (options.forget) forget(node);
    inferNode(node);
  }
}

function readInitializer(value: Value, tensor: Tensor): void {
  value.type = tensor.type;
  value.shape = tensor.dims;
  value.content = tensorContent(tensor);
}

function forget(node: Node): void {
  for (const output of node.outputs) {
    if (output === undefined) continue;
    output.shape = undefined;
    output.type = undefined;
    output.content = undefined;
  }
}
