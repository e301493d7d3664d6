import { readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { create, fromBinary, toBinary } from '@bufbuild/protobuf';
import { describe, expect, it } from '@jest/globals';
import { messages } from '../../../src/bundle/external-data.ts';
import { readBundle } from '../../../src/bundle/index.ts';
import {
  AttributeProto_AttributeType,
  AttributeProtoSchema,
  FunctionProtoSchema,
  GraphProtoSchema,
  type ModelProto,
  ModelProtoSchema,
  NodeProtoSchema,
  SparseTensorProtoSchema,
  type TensorProto,
  TensorProto_DataLocation,
  TensorProto_DataType,
  TensorProtoSchema,
  TrainingInfoProtoSchema,
} from '../../../training/onnx/proto/onnx_pb.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';
import { tinyGraph, writeTinyBundle } from '../../support/tiny-bundle.ts';

const folder = temporaryFolder();

/** The tiny graph with something added. */
function graphWith(change: (model: ModelProto) => void): Uint8Array {
  const model = fromBinary(ModelProtoSchema, readFileSync(tinyGraph));
  change(model);
  return toBinary(ModelProtoSchema, model);
}

/** A tensor of two numbers that lies in another file. */
const outside = (location: string): TensorProto =>
  create(TensorProtoSchema, {
    name: 'outside',
    dims: [2n],
    dataType: TensorProto_DataType.FLOAT,
    dataLocation: TensorProto_DataLocation.EXTERNAL,
    externalData: [
      { key: 'offset', value: '0' },
      { key: 'location', value: location },
    ],
  });

let written = 0;
/** A bundle of a graph; beside it lies `onnx/listed.bin`, which the manifest lists. */
async function bundleOf(model: Uint8Array): Promise<string> {
  written++;
  const dir = join(folder.path, String(written));
  await writeTinyBundle(dir, {}, { 'onnx/listed.bin': Buffer.alloc(8) }, model);
  return dir;
}

const node = (tensor: TensorProto) =>
  create(NodeProtoSchema, {
    opType: 'Constant',
    output: ['constant'],
    attribute: [{ name: 'value', type: AttributeProto_AttributeType.TENSOR, t: tensor }],
  });
const graph = (tensor: TensorProto) => create(GraphProtoSchema, { node: [node(tensor)] });

/** Everywhere a tensor can lie. */
const places: Record<string, (model: ModelProto, tensor: TensorProto) => unknown> = {
  'an initializer': ({ graph }, tensor) => graph?.initializer.push(tensor),
  'a constant': ({ graph }, tensor) => graph?.node.push(node(tensor)),
  'a list of tensors': ({ graph }, tensor) =>
    graph?.node.push(create(NodeProtoSchema, { attribute: [{ tensors: [tensor] }] })),
  'a graph of a node': ({ graph: outer }, tensor) =>
    outer?.node.push(create(NodeProtoSchema, { attribute: [{ g: graph(tensor) }] })),
  'a list of graphs': ({ graph: outer }, tensor) =>
    outer?.node.push(create(NodeProtoSchema, { attribute: [{ graphs: [graph(tensor)] }] })),
  'a sparse initializer': ({ graph }, tensor) =>
    graph?.sparseInitializer.push(create(SparseTensorProtoSchema, { values: tensor })),
  'the indices of a sparse attribute': ({ graph }, tensor) =>
    graph?.node.push(
      create(NodeProtoSchema, { attribute: [{ sparseTensor: { indices: tensor } }] }),
    ),
  'a list of sparse attributes': ({ graph }, tensor) =>
    graph?.node.push(
      create(NodeProtoSchema, { attribute: [{ sparseTensors: [{ values: tensor }] }] }),
    ),
  'a function': ({ functions }, tensor) =>
    functions.push(create(FunctionProtoSchema, { name: 'f', node: [node(tensor)] })),
  'what a function has by default': ({ functions }, tensor) =>
    functions.push(create(FunctionProtoSchema, { attributeProto: [{ name: 'a', t: tensor }] })),
  'what training begins with': ({ trainingInfo }, tensor) =>
    trainingInfo.push(create(TrainingInfoProtoSchema, { initialization: graph(tensor) })),
  'what training does': ({ trainingInfo }, tensor) =>
    trainingInfo.push(create(TrainingInfoProtoSchema, { algorithm: graph(tensor) })),
};

describe('a bundle whose graph has weights in another file', () => {
  it.each(Object.entries(places))(
    'is refused where they are of %s and not listed',
    async (_, put) => {
      const dir = await bundleOf(graphWith((model) => put(model, outside('other.bin'))));
      await expect(readBundle(dir)).rejects.toMatchObject({
        code: 'bundle_invalid',
        message: expect.stringMatching(
          /^onnx\/model\.onnx has weights in "other\.bin": expected a file beside it that the manifest lists$/,
        ),
      });
    },
  );

  it.each([
    '../README.md',
    '/etc/passwd',
    './listed.bin',
    'x/../listed.bin',
    '..\\README.md',
    'listed.bin/',
    '',
    '*/_ORT_MEM_ADDR_/*',
    'constructor',
    'a\u001b[31m\nerror: b',
  ])('is refused for the name %j', async (location) => {
    const dir = await bundleOf(
      graphWith(({ graph }) => graph?.initializer.push(outside(location))),
    );
    const refusal = readBundle(dir).then(String, ({ message }: Error) => message);
    // Nothing of it acts on a terminal.
    expect(await refusal).toMatch(/^onnx\/model\.onnx has weights in "\P{Cc}*": expected/u);
  });

  it('is read where the manifest lists the file, and refused where that is gone', async () => {
    const put = ({ graph }: ModelProto) => graph?.initializer.push(outside('listed.bin'));
    const dir = await bundleOf(graphWith(put));
    expect((await readBundle(dir)).dir).toBe(dir);
    rmSync(join(dir, 'onnx/listed.bin'));
    await expect(readBundle(dir)).rejects.toThrow('onnx/listed.bin does not match');
  });

  it.each<[string, (model: ModelProto) => void, RegExp]>([
    [
      'in more files than there are',
      ({ graph }) => {
        for (let i = 0; i <= 1000; i++) graph?.initializer.push(outside(`${i}`));
      },
      /more than 1000 files/,
    ],
    [
      'in a file with a long name',
      ({ graph }) => graph?.initializer.push(outside('x'.repeat(1001))),
      /1001 bytes: expected 1000 at most/,
    ],
    [
      'in graphs without end',
      (model) => {
        let inner = graph(outside('x'));
        for (let i = 0; i < 60; i++) {
          inner = create(GraphProtoSchema, { node: [{ attribute: [{ g: inner }] }] });
        }
        model.graph?.node.push(create(NodeProtoSchema, { attribute: [{ g: inner }] }));
      },
      /more than 100 deep/,
    ],
  ])('is refused with them %s', async (_, change, message) => {
    await expect(readBundle(await bundleOf(graphWith(change)))).rejects.toThrow(message);
  });

  it.each([
    ['a text', Buffer.from('no graph')],
    ['a length beyond the end', Buffer.of(0x3a, 0xff, 0x01, 0x0a)],
    ['a length of 2^63', Buffer.of(0x3a, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f)],
    ['a number without an end', Buffer.alloc(20, 0xff)],
    [
      'a field inside that is longer than its message',
      Buffer.of(0x3a, 0x02, 0x0a, 0x05, 0, 0, 0, 0),
    ],
    ['half a number', Buffer.of(0x09, 0x00)],
  ])('is no ONNX file where it is %s', async (_, bytes) => {
    await expect(readBundle(await bundleOf(bytes))).rejects.toMatchObject({
      code: 'bundle_invalid',
      message: expect.stringContaining('onnx/model.onnx cannot be loaded: it is no ONNX file'),
    });
  });

  it('is looked through wherever the ONNX schema lets a tensor lie', () => {
    const schemas = {
      model: ModelProtoSchema,
      training: TrainingInfoProtoSchema,
      function: FunctionProtoSchema,
      graph: GraphProtoSchema,
      node: NodeProtoSchema,
      attribute: AttributeProtoSchema,
      sparse: SparseTensorProtoSchema,
      tensor: TensorProtoSchema,
    };
    const names = new Map(
      Object.entries(schemas).map(([name, { typeName }]) => [typeName as string, name]),
    );
    for (const [name, { fields }] of Object.entries(schemas)) {
      const held = fields.flatMap(({ number, message }) => {
        const inner = message && names.get(message.typeName);
        return inner === undefined ? [] : [[number, inner]];
      });
      const others = name === 'tensor' ? [[13, 'entry']] : [];
      expect([name, messages[name as keyof typeof messages]]).toEqual([
        name,
        Object.fromEntries([...held, ...others]),
      ]);
    }
  });
});
