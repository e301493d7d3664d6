import { AppError } from '../../../src/errors.ts';
import { Graph, type Node, type Value } from '../graph.ts';
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
  for (const info of proto.input) {
    const value = graph.addInput(info.name, undefined, undefined);
    applyInfo(value, info);
    addValueExtras(value, { info });
  }
}

/** Initializers; those that old files list among the inputs stay inputs with a default. */
function decodeInitializers(graph: Graph, proto: GraphProto): void {
  for (const message of proto.initializer) {
    const tensor = decodeTensor(message, `initializer "${message.name}"`);
    const input = graph.inputs.find((value) => value.name === message.name);
    if (input?.initializer !== undefined) {
      throw new AppError('model_invalid', `initializer "${message.name}" is defined twice`);
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
  for (const { key, value } of proto.metadataProps) node.metadata.set(key, value);
  return node;
}

function connectNode(node: Node, proto: NodeProto): void {
  const { graph } = node;
  proto.input.forEach((name, index) => {
    node.setInput(index, name === '' ? undefined : known(graph, name, node.toString()));
  });
  const remainders: NodeExtras['attributes'] = new Map(
    proto.attribute.flatMap((message) => {
      const attribute = decodeAttribute(message, {
        node: node.toString(),
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

function known(graph: Graph, name: string, reader: string): Value {
  const value = graph.find(name);
  if (value !== undefined) return value;
  throw new AppError(
    'model_invalid',
    `${reader} reads "${name}", which nothing in the graph produces`,
  );
}

function decodeOutputs(graph: Graph, proto: GraphProto): void {
  for (const info of proto.output) {
    const value = known(graph, info.name, `the output list of graph "${graph.name}"`);
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
