import { AppError } from '../../../src/errors.ts';
import { nameShown } from '../../../src/files/index.ts';
import { Graph, type Node, type Value } from '../graph.ts';
import { limits } from '../limits.ts';
import type { GraphProto, NodeProto } from '../proto/onnx_pb.ts';
import { attributeRemainder, decodeAttribute } from './decode-attribute.ts';
import { decodeTensor, stripTensor } from './decode-tensor.ts';
import { addValueExtras, type GraphExtras, type NodeExtras } from './extras.ts';
import { applyInfo } from './types.ts';

/**
 * Fills a graph from its message and sorts its nodes. Empties the message: what is left in it is
 * kept as extras.
 */
export function fillGraph(graph: Graph, proto: GraphProto): Graph {
  decodeInputs(graph, proto);
  decodeInitializers(graph, proto);
  const nodes = proto.node.map((node) => [declareNode(graph, node), node] as const);
  for (const [node, message] of nodes) connectNode(node, message);
  decodeOutputs(graph, proto);
  decodeValueInfo(graph, proto);
  sortNodes(graph);
  proto.node = [];
  proto.input = [];
  proto.output = [];
  proto.initializer = [];
  graph.extras = { proto } satisfies GraphExtras;
  return graph;
}

function decodeInputs(graph: Graph, proto: GraphProto): void {
  const withDefaults = new Set(proto.initializer.map(({ name }) => name));
  const fed = proto.input.filter(({ name }) => !withDefaults.has(name)).length;
  requireAtMost(limits.ports, fed, 'inputs', graph);
  requireAtMost(limits.inputs, proto.input.length, 'inputs, those with a default included', graph);
  for (const info of proto.input) {
    const value = graph.addInput(info.name, undefined, undefined);
    applyInfo(value, info);
    addValueExtras(value, { info });
  }
}

/** Initializers; those that old files list among the inputs stay inputs with a default. */
function decodeInitializers(graph: Graph, proto: GraphProto): void {
  for (const message of proto.initializer) {
    const tensor = decodeTensor(message, `initializer ${nameShown(message.name)}`);
    // Nodes are not declared yet: what has the name already is an input.
    const input = graph.values.get(message.name);
    if (input?.initializer !== undefined) {
      throw new AppError(
        'model_invalid',
        `initializer ${nameShown(message.name)} is defined twice`,
      );
    }
    const value = input ?? graph.addInitializer(message.name, tensor);
    value.initializer = tensor;
    value.type = tensor.type;
    value.shape = tensor.dims;
    addValueExtras(value, { tensor: stripTensor(message) });
  }
}

/** The node with its outputs but without inputs: a file may read a value before it is made. */
function declareNode(graph: Graph, proto: NodeProto): Node {
  const node = graph.addNode({
    op: proto.opType,
    domain: proto.domain,
    name: proto.name,
    inputs: [],
    outputs: proto.output,
  });
  requireAtMost(limits.ports, proto.output.length, 'outputs', node);
  requireAtMost(limits.ports, proto.input.length, 'inputs', node);
  for (const { key, value } of proto.metadataProps) node.metadata.set(key, value);
  return node;
}

function connectNode(node: Node, proto: NodeProto): void {
  const { graph } = node;
  proto.input.forEach((name, index) => {
    node.setInput(index, name === '' ? undefined : known(graph, name, node));
  });
  const remainders: NodeExtras['attributes'] = new Map(
    proto.attribute.flatMap((message) => {
      const attribute = decodeAttribute(message, {
        node,
        decodeBody: (body) => fillGraph(new Graph(body.name, { outer: graph }), body),
      });
      node.attributes.set(message.name, attribute);
      const rest = attribute.kind === 'other' ? undefined : attributeRemainder(message);
      return rest ? [[message.name, rest] as const] : [];
    }),
  );
  proto.input = [];
  proto.output = [];
  proto.attribute = [];
  proto.metadataProps = [];
  node.extras = { proto, attributes: remainders } satisfies NodeExtras;
}

function known(graph: Graph, name: string, reader: Node | string): Value {
  const value = graph.find(name);
  if (value !== undefined) return value;
  throw new AppError(
    'model_invalid',
    `${reader} reads ${nameShown(name)}, which nothing in the graph produces`,
  );
}

function requireAtMost(limit: number, count: number, what: string, owner: Graph | Node): void {
  if (count <= limit) return;
  const name = owner instanceof Graph ? `graph ${nameShown(owner.name)}` : owner.toString();
  throw new AppError('model_invalid', `${name} has ${count} ${what}: at most ${limit} are read`);
}

function decodeOutputs(graph: Graph, proto: GraphProto): void {
  requireAtMost(limits.ports, proto.output.length, 'outputs', graph);
  for (const info of proto.output) {
    const value = known(graph, info.name, `the output list of graph ${nameShown(graph.name)}`);
    if (!graph.values.has(info.name)) {
      throw new AppError(
        'model_invalid',
        `the body ${nameShown(graph.name)} gives ${value} of the graph around it as its output`,
        { hint: 'put an Identity between them: the runtime refuses it too' },
      );
    }
    applyInfo(value, info);
    addValueExtras(value, { info });
    graph.outputs.push(value);
  }
}

function decodeValueInfo(graph: Graph, proto: GraphProto): void {
  proto.valueInfo = proto.valueInfo.filter((info) => {
    const value = graph.values.get(info.name);
    if (value === undefined) return true;
    if (value.initializer === undefined) applyInfo(value, info);
    addValueExtras(value, { info, listed: true });
    return false;
  });
}

/** Files must list nodes in topological order, but not all do. */
function sortNodes(graph: Graph): void {
  const order = graph.topologicalOrder();
  graph.nodes.clear();
  for (const node of order) graph.nodes.add(node);
}
