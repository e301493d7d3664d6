import type { Attribute } from '../../onnx/attributes.ts';
import { Graph, type Node, type Value } from '../../onnx/graph.ts';

/** Values of a graph that is copied, and what stands for each of them in the copy. */
export type Bindings = Map<Value, Value>;

/**
 * Copies the nodes and initializers of `from` into the graph `into`, which reads the bound values in place of
 * `from`'s inputs. Names get the prefix, those inside of bodies too. Returns the copies by their source:
 * all values of `from`, whether bound or copied.
 */
export function inlineGraph(
  from: Graph,
  into: Graph,
  bound: ReadonlyMap<Value, Value>,
  prefix: string,
): Bindings {
  const copies: Bindings = new Map(bound);
  for (const value of from.initializers) {
    if (copies.has(value) || value.initializer === undefined) continue;
    const copy = into.addInitializer(into.freshName(prefix + value.name), value.initializer);
    copies.set(value, withFacts(value, copy));
  }
  for (const node of from.topologicalOrder()) copyNode(node, into, copies, prefix);
  return copies;
}

function copyNode(node: Node, into: Graph, copies: Bindings, prefix: string): void {
  const copy = into.addNode({
    op: node.op,
    domain: node.domain,
    name: prefix + node.name,
    inputs: node.inputs.map((value) => value && copies.get(value)),
    outputs: node.outputs.map((value) => (value ? into.freshName(prefix + value.name) : '')),
    attributes: new Map(
      Array.from(node.attributes, ([name, attribute]) => [
        name,
        copyAttribute(attribute, into, copies, prefix),
      ]),
    ),
  });
  for (const [key, value] of node.metadata) copy.metadata.set(key, value);
  node.outputs.forEach((output, i) => {
    const target = copy.outputs[i];
    if (output && target) copies.set(output, withFacts(output, target));
  });
}

function copyAttribute(
  attribute: Attribute,
  outer: Graph,
  copies: Bindings,
  prefix: string,
): Attribute {
  if (attribute.kind !== 'graph') return attribute;
  const { value: body } = attribute;
  const copy = new Graph(body.name, { outer });
  const inside: Bindings = new Map(copies);
  for (const input of body.inputs) {
    if (input.initializer) continue;
    const own = copy.addInput(copy.freshName(prefix + input.name), input.type, input.shape);
    inside.set(input, withFacts(input, own));
  }
  const values = inlineGraph(body, copy, inside, prefix);
  for (const output of body.outputs) {
    const own = values.get(output);
    if (own) copy.outputs.push(own);
  }
  return { kind: 'graph', value: copy };
}

function withFacts(from: Value, to: Value): Value {
  to.type = from.type;
  to.shape = from.shape;
  to.content = from.content;
  return to;
}
