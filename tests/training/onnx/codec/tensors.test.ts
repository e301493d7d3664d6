import { create, fromBinary, toBinary } from '@bufbuild/protobuf';
import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { decodeModel, encodeModel } from '../../../../training/onnx/codec/index.ts';
import { dataTypeCode } from '../../../../training/onnx/data-type.ts';
import { Graph } from '../../../../training/onnx/graph.ts';
import {
  ModelProtoSchema,
  type TensorProto,
  TensorProtoSchema,
} from '../../../../training/onnx/proto/onnx_pb.ts';
import {
  type DataType,
  elementsOf,
  numbersOf,
  type Tensor,
} from '../../../../training/onnx/tensor.ts';

const modelWith = (initializer: TensorProto[]): Uint8Array =>
  toBinary(
    ModelProtoSchema,
    create(ModelProtoSchema, {
      irVersion: 8n,
      opsetImport: [{ version: 17n }],
      graph: {
        name: 'g',
        initializer,
        node: [],
        output: initializer.map(({ name }) => ({ name })),
      },
    }),
  );

const tensor = (type: DataType, dims: number[], fields: Partial<TensorProto>): TensorProto =>
  create(TensorProtoSchema, {
    name: 'w',
    dataType: dataTypeCode(type),
    dims: dims.map(BigInt),
    ...(fields as object),
  });

const decoded = (proto: TensorProto): Tensor =>
  decodeModel(modelWith([proto])).graph.find('w')!.initializer!;

describe('elements that do not stand as raw bytes', () => {
  it.each([
    ['float32', { floatData: [1.5, -2] }, [1.5, -2]],
    ['float64', { doubleData: [1e300, -2] }, [1e300, -2]],
    ['int64', { int64Data: [2n ** 40n, -3n] }, [2 ** 40, -3]],
    ['uint64', { uint64Data: [5n, 2n ** 40n] }, [5, 2 ** 40]],
    ['uint32', { uint64Data: [5n, 4294967295n] }, [5, 4294967295]],
    ['int32', { int32Data: [-7, 2147483647] }, [-7, 2147483647]],
    ['int16', { int32Data: [-7, 300] }, [-7, 300]],
    ['uint16', { int32Data: [7, 65535] }, [7, 65535]],
    ['int8', { int32Data: [-7, 100] }, [-7, 100]],
    ['uint8', { int32Data: [7, 255] }, [7, 255]],
    ['bool', { int32Data: [1, 0] }, [1, 0]],
    ['float16', { int32Data: [0x3c00, 0xc000] }, [1, -2]],
  ] as const)('are read: %s', (type, fields, values) => {
    const read = decoded(tensor(type, [2], fields as unknown as Partial<TensorProto>));
    expect(read.type).toBe(type);
    expect(numbersOf(read)).toEqual(values);
  });

  it('are read for bfloat16 and for two 4-bit integers in a byte', () => {
    const brain = decoded(tensor('bfloat16', [2], { int32Data: [0x3f80, 0xc000] }));
    expect(Array.from(elementsOf(brain) as Uint16Array)).toEqual([0x3f80, 0xc000]);
    const packed = decoded(tensor('int4', [3], { int32Data: [0x21, 0x03] }));
    expect([...packed.bytes]).toEqual([0x21, 0x03]);
  });

  it('are kept for strings', () => {
    const text = [new TextEncoder().encode('ä'), new Uint8Array(0)];
    const bytes = modelWith([tensor('string', [2], { stringData: text })]);
    const again = decodeModel(encodeModel(decodeModel(bytes))).graph.find('w')!.initializer!;
    expect(again.strings?.map((one) => [...one])).toEqual(text.map((one) => [...one]));
  });
});

describe('raw bytes', () => {
  it('stay views of the file', () => {
    const bytes = modelWith([tensor('uint8', [4], { rawData: Uint8Array.of(9, 8, 7, 6) })]);
    const read = decodeModel(bytes).graph.find('w')!.initializer!;
    expect(read.bytes.buffer).toBe(bytes.buffer);
    expect([...read.bytes]).toEqual([9, 8, 7, 6]);
  });

  it('of any type, shape and content survive', () => {
    const sizes: [DataType, number][] = [
      ['float32', 4],
      ['float64', 8],
      ['int64', 8],
      ['int32', 4],
      ['float16', 2],
      ['uint8', 1],
      ['bool', 1],
    ];
    const arbitrary = fc
      .tuple(fc.constantFrom(...sizes), fc.array(fc.nat(4), { maxLength: 4 }))
      .chain(([[type, size], dims]) => {
        const length = dims.reduce((product, dim) => product * dim, size);
        return fc.record({
          type: fc.constant(type),
          dims: fc.constant(dims),
          bytes: fc.uint8Array({ minLength: length, maxLength: length }),
        });
      });
    fc.assert(
      fc.property(fc.array(arbitrary, { minLength: 1, maxLength: 4 }), (tensors) => {
        const graph = new Graph('g');
        for (const [i, one] of tensors.entries()) {
          graph.outputs.push(graph.addInitializer(`w${i}`, one));
        }
        const model = {
          graph,
          irVersion: 8,
          producerName: '',
          producerVersion: '',
          metadata: new Map(),
        };
        const bytes = encodeModel(model);
        const again = decodeModel(bytes).graph.initializers.map((value) => value.initializer!);
        expect(again.map(({ type, dims, bytes }) => ({ type, dims, bytes: [...bytes] }))).toEqual(
          tensors.map(({ type, dims, bytes }) => ({ type, dims, bytes: [...bytes] })),
        );
        // The whole file is plain protobuf, put together by hand only around the weights.
        expect(fromBinary(ModelProtoSchema, bytes).graph?.initializer).toHaveLength(tensors.length);
      }),
    );
  });
});

describe('tensors that contradict themselves', () => {
  it.each([
    [
      'too few bytes',
      tensor('float32', [3], { rawData: new Uint8Array(8) }),
      /"w".*12 bytes but has 8/,
    ],
    ['no data', tensor('float32', [3], {}), /"w".*12 bytes but has 0/],
    ['too few strings', tensor('string', [2], {}), /"w".*2 strings but has 0/],
    ['a negative dimension', tensor('float32', [-1], {}), /"w".*impossible shape/],
    [
      'an unknown type',
      create(TensorProtoSchema, { name: 'w', dataType: 77 }),
      /"w".*element type 77/,
    ],
  ])('are refused by name: %s', (_, proto, message) => {
    expect(() => decodeModel(modelWith([proto]))).toThrow(message);
  });
});
