import { clone, create } from '@bufbuild/protobuf';
import type { Graph, Node } from '../graph.ts';
import {
  type GraphProto,
  GraphProtoSchema,
  type NodeProto,
  NodeProtoSchema,
  type StringStringEntryProto,
  StringStringEntryProtoSchema,
} from '../proto/onnx_pb.ts';
import { encodeAttribute } from './encode-attribute.ts';
import { encodeTensor } from './encode-tensor.ts';
import { graphExtras, nodeExtras, valueExtras } from './extras.ts';
import { encodeInfo } from './types.ts';

export const entries = (map: ReadonlyMap<string, string>): StringStringEntryProto[] =>
  Array.from(map, ([key, value]) => create(StringStringEntryProtoSchema, { key, value }));

function encodeNode(node: Node): NodeProto {
  const extras = nodeExtras(node);
  const proto = extras ? clone(NodeProtoSchema, extras.proto) : create(NodeProtoSchema);
  proto.opType = node.op;
  if (node.domain !== '') proto.domain = node.domain;
  if (node.name !== '') proto.name = node.name;
  proto.input = node.inputs.map((value) => value?.name ?? '');
  proto.output = node.outputs.map((value) => value?.name ?? '');
  proto.attribute = Array.from(node.attributes, ([name, attribute]) =>
    encodeAttribute(name, attribute, extras?.attributes.get(name), encodeBody),
  );
  proto.metadataProps = entries(node.metadata);
  return proto;
}

/** A graph's message but for its initializers; nodes in topological order. */
export function encodeGraphFrame(graph: Graph): GraphProto {
  const extras = graphExtras(graph);
  const proto = extras ? clone(GraphProtoSchema, extras.proto) : create(GraphProtoSchema);
  const ends = new Set([...graph.inputs, ...graph.outputs]);
  const listed = [...graph.values.values()].filter((v) => valueExtras(v)?.listed && !ends.has(v));
  proto.name = graph.name;
  proto.node = graph.topologicalOrder().map(encodeNode);
  proto.input = graph.inputs.map(encodeInfo);
  proto.output = graph.outputs.map(encodeInfo);
  const stillUnknown = proto.valueInfo.filter((info) => !graph.values.has(info.name));
  proto.valueInfo = [...stillUnknown, ...listed.map(encodeInfo)];
  return proto;
}

function encodeBody(graph: Graph): GraphProto {
  const proto = encodeGraphFrame(graph);
  proto.initializer = graph.initializers.flatMap((value) =>
    value.initializer
      ? [encodeTensor(value.initializer, valueExtras(value)?.tensor, value.name)]
      : [],
  );
  return proto;
}
