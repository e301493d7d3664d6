import { create, toBinary } from '@bufbuild/protobuf';
import { GraphProtoSchema, ModelProtoSchema } from '../../../../training/onnx/proto/onnx_pb.ts';

/** Parts of messages, spelt out: the types that protobuf derives for them nest without an end. */
export interface AttributeInit {
  readonly name: string;
  readonly type: number;
  readonly i?: bigint;
  readonly ints?: bigint[];
  readonly g?: GraphInit;
}

export interface NodeInit {
  readonly name?: string;
  readonly opType: string;
  readonly domain: string;
  readonly input: string[];
  readonly output: string[];
  readonly attribute: AttributeInit[];
}

export interface TensorInit {
  readonly name: string;
  readonly dataType: number;
  readonly dims: bigint[];
  readonly rawData: Uint8Array;
}

export interface InfoInit {
  readonly name: string;
  readonly type?: unknown;
}

export interface GraphInit {
  readonly name?: string;
  readonly input?: readonly InfoInit[];
  readonly output?: readonly InfoInit[];
  readonly initializer?: readonly TensorInit[];
  readonly node?: readonly NodeInit[];
}

export interface FunctionInit {
  readonly name: string;
  readonly domain: string;
  readonly input?: string[];
  readonly output?: string[];
  readonly node: NodeInit[];
}

export interface ModelInit {
  readonly irVersion?: bigint;
  readonly producerName?: string;
  readonly opsetImport?: { readonly domain?: string; readonly version: bigint }[];
  readonly metadataProps?: { readonly key: string; readonly value: string }[];
  readonly functions?: FunctionInit[];
}

export const range = <T>(count: number, make: (i: number) => T): T[] =>
  Array.from({ length: count }, (_, i) => make(i));

/** A float32 value's description. */
export const floats = (name: string, ...dims: readonly (number | bigint | string)[]): InfoInit => ({
  name,
  type: {
    value: {
      case: 'tensorType',
      value: {
        elemType: 1,
        shape: {
          dim: dims.map((dim) => ({
            value:
              typeof dim === 'string'
                ? ({ case: 'dimParam', value: dim } as const)
                : ({ case: 'dimValue', value: BigInt(dim) } as const),
          })),
        },
      },
    },
  },
});

export const weight = (name: string, ...dims: readonly number[]): TensorInit => {
  const count = dims.reduce((product, dim) => product * dim, 1);
  const values = Float32Array.from({ length: count }, (_, i) => (i % 7) / 10);
  return { name, dataType: 1, dims: dims.map(BigInt), rawData: new Uint8Array(values.buffer) };
};

export const integers = (name: string, ...values: readonly (number | bigint)[]): TensorInit => ({
  name,
  dataType: 7,
  dims: [BigInt(values.length)],
  rawData: new Uint8Array(BigInt64Array.from(values, BigInt).buffer),
});

export const node = (
  opType: string,
  input: readonly string[],
  output: readonly string[],
  attribute: readonly AttributeInit[] = [],
  domain = '',
): NodeInit => ({
  opType,
  input: [...input],
  output: [...output],
  attribute: [...attribute],
  domain,
});

export const int = (name: string, value: number | bigint): AttributeInit => ({
  name,
  type: 2,
  i: BigInt(value),
});

export const body = (name: string, graph: GraphInit): AttributeInit => ({
  name,
  type: 5,
  g: graph,
});

/** A file around a graph; `more` are bytes of graph fields that no message could hold. */
export function file(graph: GraphInit, extra: ModelInit = {}, more?: Uint8Array): Uint8Array {
  const frame = { irVersion: 8n, opsetImport: [{ domain: '', version: 17n }], ...extra };
  const named = { name: 'g', input: [floats('x', 'batch', 8)], ...graph };
  if (!more)
    return toBinary(
      ModelProtoSchema,
      create(ModelProtoSchema, { ...frame, graph: named } as object),
    );
  const own = toBinary(GraphProtoSchema, create(GraphProtoSchema, named as object));
  const whole = Buffer.concat([own, more]);
  return Buffer.concat([
    toBinary(ModelProtoSchema, create(ModelProtoSchema, frame as object)),
    field(7, whole),
  ]);
}

/** A field of bytes, as protobuf writes it. */
export const field = (number: number, bytes: Uint8Array): Uint8Array =>
  Buffer.concat([Uint8Array.from([...varint(number * 8 + 2), ...varint(bytes.length)]), bytes]);

function varint(value: number): number[] {
  const bytes: number[] = [];
  let rest = value;
  for (; rest > 0x7f; rest = Math.floor(rest / 128)) bytes.push((rest % 128) | 0x80);
  return [...bytes, rest];
}

/** x·w, so that there is something to train and to round. */
export const product = (to: string): NodeInit => node('MatMul', ['x', 'w'], [to]);
export const productWeight = weight('w', 8, 4);
export const logits = floats('logits', 'batch', 4);
