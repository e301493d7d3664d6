import { create, fromBinary, type MessageInitShape, toBinary } from '@bufbuild/protobuf';
import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { decodeModel, encodeModel, requireOpset } from '../../../../training/onnx/codec/index.ts';
import { parseDim } from '../../../../training/onnx/codec/types.ts';
import {
  addDims,
  type Dim,
  formatShape,
  multiplyDims,
  symbolicDim,
} from '../../../../training/onnx/dim.ts';
import { Graph } from '../../../../training/onnx/graph.ts';
import type { Model } from '../../../../training/onnx/model.ts';
import {
  type GraphProtoSchema,
  AttributeProto_AttributeType as Kind,
  ModelProtoSchema,
} from '../../../../training/onnx/proto/onnx_pb.ts';
import { isOpaque } from '../../../../training/onnx/shapes/rule.ts';

type GraphInit = MessageInitShape<typeof GraphProtoSchema>;

const fileOf = (graph: GraphInit, version = 17n): Uint8Array =>
  toBinary(
    ModelProtoSchema,
    create(ModelProtoSchema, { irVersion: 8n, opsetImport: [{ version }], graph }),
  );

const floats = (name: string, ...dims: (string | number)[]) => ({
  name,
  type: {
    value: {
      case: 'tensorType' as const,
      value: {
        elemType: 1,
        shape: {
          dim: dims.map((dim) => ({
            value:
              typeof dim === 'number'
                ? { case: 'dimValue' as const, value: BigInt(dim) }
                : { case: 'dimParam' as const, value: dim },
          })),
        },
      },
    },
  },
});

const modelOf = (graph: Graph): Model => ({
  graph,
  irVersion: 8,
  producerName: '',
  producerVersion: '',
  metadata: new Map(),
});

const again = (graph: Graph): Graph => decodeModel(encodeModel(modelOf(graph))).graph;

describe('nodes', () => {
  it('that a file lists in any order are sorted, and written sorted', () => {
    const bytes = fileOf({
      name: 'g',
      input: [floats('x', 2)],
      output: [floats('z', 2)],
      node: [
        { opType: 'Neg', input: ['y'], output: ['z'] },
        { opType: 'Relu', input: ['x'], output: ['y'] },
      ],
    });
    const model = decodeModel(bytes);
    expect([...model.graph.nodes].map((node) => node.op)).toEqual(['Relu', 'Neg']);
    const written = fromBinary(ModelProtoSchema, encodeModel(model));
    expect(written.graph?.node.map((node) => node.opType)).toEqual(['Relu', 'Neg']);
  });

  it('keep the places of optional inputs and outputs that are left out', () => {
    const bytes = fileOf({
      name: 'g',
      input: [floats('x', 2)],
      output: [floats('z', 2)],
      node: [{ opType: 'Clip', input: ['x', '', 'x'], output: ['', 'z'] }],
    });
    const [node] = fromBinary(ModelProtoSchema, encodeModel(decodeModel(bytes))).graph!.node;
    expect(node?.input).toEqual(['x', '', 'x']);
    expect(node?.output).toEqual(['', 'z']);
  });

  it.each([
    [
      'reads what nothing produces',
      [{ opType: 'Neg', input: ['x'], output: ['y'] }],
      /Neg "y" reads "x"/,
    ],
    [
      'is part of a cycle',
      [
        { opType: 'Neg', input: ['b'], output: ['a'] },
        { opType: 'Relu', input: ['a'], output: ['b'] },
      ],
      /cycle through/,
    ],
    [
      'makes a value that exists',
      [
        { opType: 'Neg', input: ['i'], output: ['a'] },
        { opType: 'Relu', input: ['i'], output: ['a'] },
      ],
      /"a" is empty or defined twice/,
    ],
  ])('are refused where one %s', (_, node, message) => {
    expect(() => decodeModel(fileOf({ name: 'g', input: [floats('i', 1)], node }))).toThrow(
      message,
    );
  });
});

describe('graph inputs', () => {
  it('that old files list with a default stay inputs with an initializer', () => {
    const bytes = fileOf({
      name: 'g',
      input: [floats('x', 2), floats('w', 2)],
      output: [floats('y', 2)],
      initializer: [{ name: 'w', dataType: 1, dims: [2n], rawData: new Uint8Array(8) }],
      node: [{ opType: 'Add', input: ['x', 'w'], output: ['y'] }],
    });
    const model = decodeModel(bytes);
    expect(model.graph.inputs.map((value) => value.name)).toEqual(['x', 'w']);
    expect(model.graph.initializers.map((value) => value.name)).toEqual(['w']);
    const written = fromBinary(ModelProtoSchema, encodeModel(model)).graph!;
    expect(written.input.map((info) => info.name)).toEqual(['x', 'w']);
    expect(written.initializer.map((tensor) => tensor.name)).toEqual(['w']);
  });

  it('have unknown dimensions of their own where the file gives none', () => {
    const model = decodeModel(
      fileOf({ name: 'g', input: [floats('x', '', -1, 'n'), floats('y', '')] }),
    );
    const [x, y] = model.graph.inputs;
    expect(String(x?.shape?.[0])).not.toBe(String(x?.shape?.[1]));
    expect(String(x?.shape?.[0])).not.toBe(String(y?.shape?.[0]));
    const [written] = fromBinary(ModelProtoSchema, encodeModel(model)).graph!.input;
    const type = written?.type?.value;
    const dims = type?.case === 'tensorType' ? type.value.shape?.dim.map((d) => d.value) : [];
    expect(dims).toEqual([
      { case: undefined },
      { case: undefined },
      { case: 'dimParam', value: 'n' },
    ]);
  });
});

describe('dimensions', () => {
  it('are written and read as polynomials', () => {
    const symbol = fc.constantFrom('batch', 'sequence', 's_0', 'a.b').map(symbolicDim);
    const { dim } = fc.letrec<{ dim: Dim }>((tie) => ({
      dim: fc.oneof(
        { depthSize: 'small' },
        fc.integer({ min: -9, max: 99 }),
        symbol,
        fc.tuple(tie('dim'), tie('dim')).map(([a, b]) => addDims(a, b)),
        fc.tuple(tie('dim'), tie('dim')).map(([a, b]) => multiplyDims(a, b)),
      ),
    }));
    fc.assert(
      fc.property(dim, (one) => {
        // Not what no dimension can be, nor what has grown to a symbol of its own.
        fc.pre(typeof one === 'number' ? one >= 0 : !isOpaque(one));
        expect(String(parseDim(String(one)))).toBe(String(one));
      }),
    );
  });

  it('of any other text are symbols of their own', () => {
    expect(String(parseDim('floor(s/2)'))).toBe('floor(s/2)');
    expect(String(parseDim('Concat_12_dim-0'))).toBe('Concat_12_dim-0');
    expect(parseDim('?')).toBeUndefined();
  });
});

describe('body graphs', () => {
  it('read values of the outer graph, whatever the order of the nodes', () => {
    const branch = {
      name: 'branch',
      node: [{ opType: 'Neg', input: ['y'], output: ['z'] }],
      output: [{ name: 'z' }],
    };
    const bytes = fileOf({
      name: 'g',
      input: [floats('x', 2), floats('c', 1)],
      output: [floats('out', 2)],
      node: [
        {
          opType: 'If',
          input: ['c'],
          output: ['out'],
          attribute: [
            { name: 'then_branch', type: Kind.GRAPH, g: branch },
            { name: 'else_branch', type: Kind.GRAPH, g: branch },
          ],
        },
        { opType: 'Relu', input: ['x'], output: ['y'] },
      ],
    });
    const { graph } = decodeModel(encodeModel(decodeModel(bytes)));
    expect([...graph.nodes].map((node) => node.op)).toEqual(['Relu', 'If']);
    expect(graph.find('y')?.uses.size).toBe(2);
    const body = [...graph.nodes][1]?.attributes.get('then_branch');
    expect(body?.kind === 'graph' && body.value.outer).toBe(graph);
  });
});

describe('operator sets', () => {
  it('of the default domain have one name', () => {
    const bytes = toBinary(
      ModelProtoSchema,
      create(ModelProtoSchema, {
        irVersion: 8n,
        opsetImport: [
          { domain: 'ai.onnx', version: 18n },
          { domain: 'com.microsoft', version: 1n },
        ],
        graph: { name: 'g' },
      }),
    );
    expect([...decodeModel(bytes).graph.opsets]).toEqual([
      ['', 18],
      ['com.microsoft', 1],
    ]);
  });

  it.each([
    [12n, /my\.onnx uses operator set 12; 13 to/],
    [27n, /my\.onnx uses operator set 27; 13 to/],
  ])('%s can be read but not compiled', (version, message) => {
    const model = decodeModel(fileOf({ name: 'g' }, version));
    expect(() => requireOpset(model, 'my.onnx')).toThrow(message);
  });

  it.each([13n, 26n])('%s can be compiled', (version) => {
    expect(() => requireOpset(decodeModel(fileOf({ name: 'g' }, version)))).not.toThrow();
  });
});

it('shapes of graph inputs and outputs are written with their symbols', () => {
  const graph = new Graph('g');
  const x = graph.addInput('x', 'float32', [symbolicDim('batch'), 4]);
  const { outputs } = graph.addNode({ op: 'Relu', inputs: [x], outputs: ['y'] });
  outputs[0]!.type = 'float32';
  outputs[0]!.shape = [multiplyDims(symbolicDim('batch'), 2), 4];
  graph.outputs.push(outputs[0]!);
  expect(formatShape(again(graph).outputs[0]?.shape)).toBe('[2*batch, 4]');
});
