import { create, fromBinary, type MessageInitShape, toBinary } from '@bufbuild/protobuf';
import { describe, expect, it } from '@jest/globals';
import { type Attribute, float, int, ints } from '../../../../training/onnx/attributes.ts';
import { decodeModel, encodeModel } from '../../../../training/onnx/codec/index.ts';
import { Graph } from '../../../../training/onnx/graph.ts';
import type { Model } from '../../../../training/onnx/model.ts';
import {
  type GraphProtoSchema,
  AttributeProto_AttributeType as Kind,
  ModelProtoSchema,
} from '../../../../training/onnx/proto/onnx_pb.ts';

type GraphInit = MessageInitShape<typeof GraphProtoSchema>;

const fileOf = (graph: GraphInit, version = 17n): Uint8Array =>
  toBinary(
    ModelProtoSchema,
    create(ModelProtoSchema, { irVersion: 8n, opsetImport: [{ version }], graph }),
  );

const modelOf = (graph: Graph): Model => ({
  graph,
  irVersion: 8,
  producerName: '',
  producerVersion: '',
  metadata: new Map(),
});

const again = (graph: Graph): Graph => decodeModel(encodeModel(modelOf(graph))).graph;

describe('attributes', () => {
  const attributes: Record<string, Attribute> = {
    int: int(-5),
    float: float(0.5),
    ints: ints([1, -2, 2 ** 40]),
    noInts: ints([]),
    floats: { kind: 'floats', value: [0.25, -1] },
    string: { kind: 'string', value: 'größe' },
    strings: { kind: 'strings', value: ['a', ''] },
    tensor: { kind: 'tensor', value: { type: 'float32', dims: [], bytes: new Uint8Array(4) } },
  };

  it.each(Object.entries(attributes))('survive: %s', (name, attribute) => {
    const graph = new Graph('g');
    graph.addNode({
      op: 'Op',
      inputs: [],
      outputs: ['y'],
      attributes: new Map([[name, attribute]]),
    });
    const [node] = again(graph).nodes;
    expect(node?.attributes.get(name)).toEqual(attribute);
  });

  it('beyond 64 bits are clamped, as "to the end" slices are', () => {
    const graph = new Graph('g');
    const list = ints([2 ** 63, 2 ** 70, -(2 ** 63), -(2 ** 70)]);
    graph.addNode({ op: 'Op', inputs: [], outputs: ['y'], attributes: new Map([['ends', list]]) });
    const written = fromBinary(ModelProtoSchema, encodeModel(modelOf(graph)));
    const [max, min] = [2n ** 63n - 1n, -(2n ** 63n)];
    expect(written.graph?.node[0]?.attribute[0]?.ints).toEqual([max, max, min, min]);
  });

  it('without a kind, as in old files, are read by the field that is set', () => {
    const bytes = fileOf({
      name: 'g',
      node: [{ opType: 'Op', output: ['y'], attribute: [{ name: 'axis', i: 3n }] }],
    });
    const [node] = decodeModel(bytes).graph.nodes;
    expect(node?.int('axis')).toBe(3);
  });

  it('of kinds that nothing looks into are carried along', () => {
    const types = { name: 't', type: Kind.TYPE_PROTO, tp: { denotation: 'IMAGE' } };
    const bytes = fileOf({
      name: 'g',
      node: [{ opType: 'Op', output: ['y'], attribute: [types] }],
    });
    const written = fromBinary(ModelProtoSchema, encodeModel(decodeModel(bytes)));
    expect(written.graph?.node[0]?.attribute[0]?.tp?.denotation).toBe('IMAGE');
  });

  it('keep their documentation and their tensor’s name', () => {
    const value = { name: 'tensor', dataType: 7, dims: [1n], int64Data: [4n] };
    const attribute = { name: 'value', type: Kind.TENSOR, docString: 'why', t: value };
    const bytes = fileOf({
      name: 'g',
      node: [{ opType: 'Constant', output: ['y'], attribute: [attribute] }],
    });
    const written = fromBinary(ModelProtoSchema, encodeModel(decodeModel(bytes)));
    const [read] = written.graph!.node[0]!.attribute;
    expect([read?.docString, read?.t?.name, read?.t?.rawData.length]).toEqual(['why', 'tensor', 8]);
  });
});
