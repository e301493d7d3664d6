import { clone, create, fromBinary, toBinary } from '@bufbuild/protobuf';
import {
  type AttributeProto,
  AttributeProtoSchema,
  type GraphProto,
  GraphProtoSchema,
  AttributeProto_AttributeType as Kind,
  type ModelProto,
  ModelProtoSchema,
  type NodeProto,
  NodeProtoSchema,
  OperatorSetIdProtoSchema,
  StringStringEntryProtoSchema,
  type TensorProto,
  TensorProto_DataLocation,
  TensorProtoSchema,
  type TypeProto,
  TypeProtoSchema,
  type ValueInfoProto,
  ValueInfoProtoSchema,
} from '../../../../training/onnx/proto/onnx_pb.ts';
import type { Random } from '../../../../training/random.ts';
import {
  attributeNames,
  dimensionNames,
  floats,
  names,
  numbers,
  operators,
  texts,
} from './words.ts';

/** Draws from a list. */
const pick = <T>(random: Random, list: readonly T[]): T | undefined =>
  list[random.int(list.length)];

/** What a mutation changes in place. */
interface Target {
  readonly model: ModelProto;
  readonly graph: GraphProto;
  readonly random: Random;
}

type Mutation = (target: Target) => void;

/** Graph and bodies. */
const graphsOf = (graph: GraphProto): GraphProto[] => [
  graph,
  ...graph.node.flatMap(({ attribute }) => attribute.flatMap(({ g }) => (g ? graphsOf(g) : []))),
];

const anyGraph = ({ graph, random }: Target): GraphProto => pick(random, graphsOf(graph)) ?? graph;
const anyNode = (target: Target): NodeProto | undefined =>
  pick(target.random, anyGraph(target).node);

const anyTensor = (target: Target): TensorProto | undefined => {
  const { initializer, node } = anyGraph(target);
  const constants = node.flatMap(({ attribute }) => attribute.flatMap(({ t }) => t ?? []));
  return pick(target.random, [...initializer, ...constants]);
};

/** A name that the graph has, or that it should not have. */
const anyName = ({ graph, random }: Target): string => {
  if (random.chance(0.1)) return pick(random, names) ?? '';
  const node = pick(random, graph.node);
  const known = [
    pick(random, graph.input)?.name,
    pick(random, graph.initializer)?.name,
    pick(random, node?.output ?? []),
    pick(random, node?.input ?? []),
  ].filter((name) => name !== undefined);
  return pick(random, known) ?? '';
};

const anyType = (target: Target): TypeProto | undefined => {
  const { input, output, valueInfo } = anyGraph(target);
  return pick(target.random, [...input, ...output, ...valueInfo])?.type;
};

function hostileTensor(random: Random): TensorProto {
  const count = random.int(5);
  const values = Array.from({ length: count }, () => pick(random, numbers) ?? 0n);
  return create(TensorProtoSchema, {
    dataType: 7,
    dims: random.chance(0.2) && count === 1 ? [] : [BigInt(count)],
    int64Data: values,
  });
}

const typeKinds: readonly TypeProto[] = [
  create(TypeProtoSchema, { value: { case: 'sequenceType', value: {} } }),
  create(TypeProtoSchema, { value: { case: 'mapType', value: {} } }),
  create(TypeProtoSchema, { value: { case: 'optionalType', value: {} } }),
  create(TypeProtoSchema, { value: { case: 'sparseTensorType', value: { elemType: 1 } } }),
  create(TypeProtoSchema),
];

function hostileAttribute(target: Target, name: string): AttributeProto {
  const { random, graph } = target;
  const int = () => pick(random, numbers) ?? 0n;
  const forms: readonly (() => Parameters<typeof create<typeof AttributeProtoSchema>>[1])[] = [
    () => ({ type: Kind.INT, i: int() }),
    () => ({ type: Kind.INTS, ints: Array.from({ length: random.int(5) }, int) }),
    () => ({ type: Kind.FLOAT, f: pick(random, floats) ?? 0 }),
    () => ({ type: Kind.FLOATS, floats: [...floats].slice(0, random.int(5)) }),
    () => ({ type: Kind.STRING, s: new TextEncoder().encode(pick(random, texts)) }),
    () => ({ type: Kind.STRING, s: Uint8Array.of(0xff, 0xfe) }),
    () => ({ type: Kind.TENSOR, t: hostileTensor(random) }),
    () => ({ type: Kind.GRAPH, g: clone(GraphProtoSchema, small(graph)) }),
    () => ({ type: Kind.SPARSE_TENSOR, sparseTensor: {} }),
    () => ({ type: Kind.TYPE_PROTO, tp: {} }),
    () => ({ type: Kind.UNDEFINED, ints: [int()] }),
    () => ({ refAttrName: 'constructor', type: Kind.INT }),
  ];
  return create(AttributeProtoSchema, { ...pick(random, forms)?.(), name });
}

/** A value of the first output's type. */
const described = ({ output }: GraphProto, name: string): ValueInfoProto => {
  const type = output[0]?.type;
  return create(ValueInfoProtoSchema, type ? { name, type } : { name });
};

/** A part of a graph as a body: not all of it, or bodies of bodies double the file. */
const small = (graph: GraphProto): GraphProto =>
  create(GraphProtoSchema, {
    name: graph.name,
    node: graph.node.slice(0, 3),
    output: graph.output,
    input: graph.input.slice(0, 1),
  });

/** Ways to change one field of a model, the likely ones several times. */
const mutations: readonly Mutation[] = [
  function dimension(target) {
    const type = anyType(target)?.value;
    if (type?.case !== 'tensorType') return;
    const dim = pick(target.random, type.value.shape?.dim ?? []);
    if (!dim) return;
    dim.value = target.random.chance(0.5)
      ? { case: 'dimValue', value: pick(target.random, numbers) ?? 0n }
      : { case: 'dimParam', value: pick(target.random, dimensionNames) ?? '' };
  },
  function rank(target) {
    const type = anyType(target)?.value;
    if (type?.case !== 'tensorType') return;
    const { shape } = type.value;
    if (target.random.chance(0.3)) delete type.value.shape;
    else if (target.random.chance(0.5)) shape?.dim.pop();
    else if (shape?.dim[0]) shape.dim.push(shape.dim[0]);
  },
  function elementType(target) {
    const type = anyType(target)?.value;
    if (type?.case === 'tensorType') type.value.elemType = target.random.int(30);
  },
  function kindOfType(target) {
    const { input, output } = anyGraph(target);
    const info = pick(target.random, [...input, ...output]);
    if (info) info.type = pick(target.random, typeKinds) ?? create(TypeProtoSchema);
  },
  function attributeValue(target) {
    const node = anyNode(target);
    if (!node) return;
    const at = target.random.int(node.attribute.length);
    const before = node.attribute[at];
    if (before) node.attribute[at] = hostileAttribute(target, before.name);
  },
  function numberOfAttribute(target) {
    const attribute = pick(target.random, anyNode(target)?.attribute ?? []);
    if (!attribute) return;
    const number = pick(target.random, numbers) ?? 0n;
    if (attribute.type === Kind.INT) attribute.i = number;
    else if (attribute.type === Kind.INTS && attribute.ints.length > 0)
      attribute.ints[target.random.int(attribute.ints.length)] = number;
    else if (attribute.type === Kind.FLOAT) attribute.f = pick(target.random, floats) ?? 0;
    else if (attribute.type === Kind.STRING)
      attribute.s = new TextEncoder().encode(pick(target.random, texts));
  },
  function newAttribute(target) {
    const name = pick(target.random, attributeNames) ?? '';
    anyNode(target)?.attribute.push(hostileAttribute(target, name));
  },
  function attributeName(target) {
    const attribute = pick(target.random, anyNode(target)?.attribute ?? []);
    if (attribute) attribute.name = pick(target.random, attributeNames) ?? '';
  },
  function noAttributes(target) {
    const node = anyNode(target);
    if (node) node.attribute = node.attribute.slice(0, target.random.int(node.attribute.length));
  },
  function attributeKind(target) {
    const attribute = pick(target.random, anyNode(target)?.attribute ?? []);
    if (attribute) attribute.type = target.random.int(15);
  },
  function operator(target) {
    const node = anyNode(target);
    if (node) node.opType = pick(target.random, operators) ?? '';
  },
  function domain(target) {
    const node = anyNode(target);
    if (node) node.domain = pick(target.random, names) ?? '';
  },
  function readOther(target) {
    const node = anyNode(target);
    if (node) node.input[target.random.int(node.input.length + 1)] = anyName(target);
  },
  function readLess(target) {
    const node = anyNode(target);
    if (node) node.input = node.input.slice(0, target.random.int(node.input.length + 1));
  },
  function readItself(target) {
    const node = anyNode(target);
    if (node) node.input[0] = node.output[0] ?? '';
  },
  function makeOther(target) {
    const node = anyNode(target);
    if (!node) return;
    const at = target.random.int(node.output.length + 1);
    node.output[at] = target.random.chance(0.5) ? anyName(target) : `made_${target.random.int(9)}`;
  },
  function names_(target) {
    const { random } = target;
    const graph = anyGraph(target);
    const own = pick(random, [
      ...graph.node,
      ...graph.initializer,
      ...graph.input,
      ...graph.output,
      graph,
    ]);
    if (own) own.name = pick(random, names) ?? '';
  },
  function renameEverywhere(target) {
    const { graph, random } = target;
    const [from, to] = [anyName(target), pick(random, names) ?? ''];
    const renamed = (name: string) => (name === from ? to : name);
    for (const node of graph.node) {
      node.input = node.input.map(renamed);
      node.output = node.output.map(renamed);
    }
    for (const own of [...graph.initializer, ...graph.input, ...graph.output]) {
      own.name = renamed(own.name);
    }
  },
  function noNode(target) {
    const graph = anyGraph(target);
    graph.node.splice(target.random.int(graph.node.length), 1);
  },
  function nodeTwice(target) {
    const node = anyNode(target);
    // A copy: a node must not come to lie inside itself.
    if (node) anyGraph(target).node.push(clone(NodeProtoSchema, node));
  },
  function newNode(target) {
    const { random, graph } = target;
    const output = pick(random, graph.output);
    const node = create(NodeProtoSchema, {
      opType: pick(random, operators) ?? '',
      domain: random.chance(0.2) ? 'com.microsoft' : '',
      input: Array.from({ length: random.int(5) }, () => anyName(target)),
      output: [`new_${graph.node.length}`, ...(random.chance(0.2) ? ['second'] : [])],
    });
    for (let i = random.int(3); i > 0; i--)
      node.attribute.push(hostileAttribute(target, pick(random, attributeNames) ?? ''));
    graph.node.splice(random.int(graph.node.length + 1), 0, node);
    if (random.chance(0.5) && output) output.name = node.output[0] ?? '';
    else {
      const reader = pick(random, graph.node);
      if (reader) reader.input[random.int(reader.input.length + 1)] = node.output[0] ?? '';
    }
  },
  function nodeInABody(target) {
    const { graph, random } = target;
    const at = random.int(graph.node.length);
    const node = graph.node[at];
    if (!node) return;
    const body = create(GraphProtoSchema, { name: 'body', node: [node] });
    body.output = node.output.map((name) => described(graph, name));
    const branches = ['then_branch', 'else_branch'].map((name) =>
      create(AttributeProtoSchema, { name, type: Kind.GRAPH, g: clone(GraphProtoSchema, body) }),
    );
    graph.node[at] = create(NodeProtoSchema, {
      opType: pick(random, ['If', 'Loop', 'Scan']) ?? 'If',
      input: [anyName(target)],
      output: node.output,
      attribute: random.chance(0.8)
        ? branches
        : [{ ...branches[0], name: 'body' } as AttributeProto],
    });
  },
  function outputs(target) {
    const { graph, random } = target;
    if (random.chance(0.3)) graph.output = [];
    else if (random.chance(0.5)) graph.output.push(...graph.output);
    else graph.output.push(described(graph, anyName(target)));
  },
  function inputs(target) {
    const { graph, random } = target;
    if (random.chance(0.3)) graph.input = [];
    else graph.input.push(described(graph, anyName(target)));
  },
  function tensorType(target) {
    const tensor = anyTensor(target);
    if (tensor) tensor.dataType = target.random.int(30);
  },
  function tensorDims(target) {
    const tensor = anyTensor(target);
    if (!tensor) return;
    const number = pick(target.random, numbers) ?? 0n;
    if (target.random.chance(0.5)) tensor.dims[target.random.int(tensor.dims.length)] = number;
    else tensor.dims = target.random.chance(0.5) ? [...tensor.dims, 1n] : [];
  },
  function tensorBytes(target) {
    const tensor = anyTensor(target);
    if (!tensor) return;
    const { random } = target;
    if (random.chance(0.5)) tensor.rawData = tensor.rawData.slice(0, random.int(9));
    else if (random.chance(0.3)) tensor.floatData = [...floats];
    else tensor.stringData = [Uint8Array.of(0xff)];
  },
  function tensorNumbers(target) {
    const { graph, random } = target;
    const fitting = [
      ...graph.initializer,
      ...graph.node.flatMap(({ attribute }) => attribute.flatMap(({ t }) => t ?? [])),
    ].filter(({ dataType, rawData }) => dataType === 7 && rawData.length >= 8);
    const tensor = pick(random, fitting);
    if (!tensor) return;
    tensor.rawData = tensor.rawData.slice();
    const view = new DataView(tensor.rawData.buffer);
    view.setBigInt64(8 * random.int(tensor.rawData.length >> 3), pick(random, numbers) ?? 0n, true);
  },
  function elsewhere(target) {
    const tensor = anyTensor(target);
    if (!tensor) return;
    tensor.dataLocation = TensorProto_DataLocation.EXTERNAL;
    tensor.externalData = ['location', 'offset', 'length'].map((key) =>
      create(StringStringEntryProtoSchema, { key, value: pick(target.random, texts) ?? '' }),
    );
  },
  function segments(target) {
    const tensor = anyTensor(target);
    if (tensor) tensor.segment = { begin: 0n, end: 2n ** 62n } as never;
  },
  function operatorSet({ model, random }) {
    const own = pick(random, model.opsetImport);
    if (!own) return;
    const what = random.int(3);
    if (what === 0) own.version = random.chance(0.5) ? 18n : (pick(random, numbers) ?? 0n);
    else if (what === 1) own.domain = pick(random, names) ?? '';
    else
      model.opsetImport.push(
        create(OperatorSetIdProtoSchema, {
          domain: pick(random, names) ?? '',
          version: pick(random, numbers) ?? 0n,
        }),
      );
  },
  function versions({ model, random }) {
    model.irVersion = pick(random, numbers) ?? 0n;
  },
  function producer({ model, random }) {
    model.producerName = pick(random, names) ?? '';
    model.metadataProps.push(
      create(StringStringEntryProtoSchema, {
        key: pick(random, names) ?? '',
        value: pick(random, names) ?? '',
      }),
    );
  },
  function ownFunctions({ model, graph, random }) {
    const [node] = graph.node;
    if (!node) return;
    const called = { ...node, opType: 'Own', domain: 'own', attribute: [] } as NodeProto;
    model.functions.push({
      $typeName: 'onnx.FunctionProto',
      name: 'Own',
      domain: 'own',
      overload: '',
      input: ['x'],
      output: ['y'],
      attribute: [],
      attributeProto: [],
      node: random.chance(0.3) ? [called] : [node],
      docString: '',
      opsetImport: [],
      valueInfo: [],
      metadataProps: [],
    } as never);
    graph.node[random.int(graph.node.length)] = { ...called, name: 'caller' };
  },
];

/** A copy of a model's bytes with some of its fields changed. */
export function mutated(bytes: Uint8Array, random: Random): Uint8Array {
  const model = fromBinary(ModelProtoSchema, bytes);
  if (!model.graph) return bytes;
  const target = { model, graph: model.graph, random };
  for (let i = 1 + random.int(4); i > 0; i--) pick(random, mutations)?.(target);
  try {
    return toBinary(ModelProtoSchema, model);
  } catch {
    // A field that only another schema could have.
    return bytes;
  }
}

/** A copy with some of its bytes changed, left out or put in. */
export function damaged(bytes: Uint8Array, random: Random): Uint8Array {
  const copy = bytes.slice();
  for (let i = 1 + random.int(8); i > 0; i--) {
    copy[random.int(copy.length)] = random.chance(0.5) ? random.int(256) : 0xff;
  }
  if (random.chance(0.5)) return copy;
  const from = random.int(copy.length);
  const until = Math.min(copy.length, from + random.int(16));
  const rest = copy.subarray(random.chance(0.5) ? until : from);
  const piece = copy.subarray(from, until);
  const whole = new Uint8Array(from + piece.length + rest.length);
  whole.set(copy.subarray(0, from));
  whole.set(piece, from);
  whole.set(rest, from + piece.length);
  return random.chance(0.2) ? whole.subarray(0, random.int(whole.length)) : whole;
}
