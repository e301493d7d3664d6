import { clone, create, toBinary } from '@bufbuild/protobuf';
import { AppError } from '../../../src/errors.ts';
import type { Value } from '../graph.ts';
import type { Model } from '../model.ts';
import {
  GraphProtoSchema,
  type ModelProto,
  ModelProtoSchema,
  OperatorSetIdProtoSchema,
} from '../proto/onnx_pb.ts';
import { encodeGraphFrame, entries } from './encode-graph.ts';
import { type ExternalPlace, encodeHeader } from './encode-tensor.ts';
import { modelExtras, valueExtras } from './extras.ts';

/**
 * Fields of the messages that are put together here, so that weights are not copied into a growing
 * buffer.
 */
const fields = { modelGraph: 7, graphInitializer: 5, tensorRawData: 9 } as const;

/** What protobuf readers accept at most. */
const maximumBytes = 2 ** 31 - 1;

/** Tag and length of a length-delimited field. */
function fieldPrefix(field: number, length: number): Uint8Array {
  const bytes = [(field << 3) | 2];
  let rest = length;
  while (rest > 0x7f) {
    bytes.push((rest % 128) | 0x80);
    rest = Math.floor(rest / 128);
  }
  bytes.push(rest);
  return Uint8Array.from(bytes);
}

const lengthOf = (chunks: readonly Uint8Array[]): number =>
  chunks.reduce((sum, chunk) => sum + chunk.length, 0);

function initializerChunks(value: Value, place: ExternalPlace | undefined): Uint8Array[] {
  const tensor = value.initializer;
  if (tensor === undefined) return [];
  const content: Uint8Array[] = [
    encodeHeader(tensor, valueExtras(value)?.tensor, value.name, place),
  ];
  if (place === undefined && tensor.strings === undefined) {
    content.push(fieldPrefix(fields.tensorRawData, tensor.bytes.length), tensor.bytes);
  }
  return [fieldPrefix(fields.graphInitializer, lengthOf(content)), ...content];
}

function modelFrame(model: Model): ModelProto {
  const extras = modelExtras(model);
  const proto = extras ? clone(ModelProtoSchema, extras.proto) : create(ModelProtoSchema);
  proto.irVersion = BigInt(model.irVersion);
  proto.producerName = model.producerName;
  proto.producerVersion = model.producerVersion;
  proto.opsetImport = Array.from(model.graph.opsets, ([domain, version]) =>
    create(OperatorSetIdProtoSchema, { domain, version: BigInt(version) }),
  );
  proto.metadataProps = entries(model.metadata);
  return proto;
}

/**
 * A model file in pieces, in order; weights are views of the tensors. `places` are those kept
 * elsewhere.
 */
export function encodeChunks(
  model: Model,
  places: ReadonlyMap<Value, ExternalPlace> = new Map(),
): Uint8Array[] {
  const graph = [
    toBinary(GraphProtoSchema, encodeGraphFrame(model.graph)),
    ...model.graph.initializers.flatMap((value) => initializerChunks(value, places.get(value))),
  ];
  const frame = toBinary(ModelProtoSchema, modelFrame(model));
  const chunks = [frame, fieldPrefix(fields.modelGraph, lengthOf(graph)), ...graph];
  if (lengthOf(chunks) > maximumBytes) {
    throw new AppError(
      'model_invalid',
      'the model is larger than 2 GB, which one ONNX file cannot be',
      {
        hint: 'write it with external data',
      },
    );
  }
  return chunks;
}

/**
 * A model as the bytes of an `.onnx` file; weights are copied once, but for those that `places` says lie in
 * another file.
 */
export function encodeModel(model: Model, places?: ReadonlyMap<Value, ExternalPlace>): Uint8Array {
  const chunks = encodeChunks(model, places);
  const bytes = new Uint8Array(lengthOf(chunks));
  let offset = 0;
  for (const chunk of chunks) {
    bytes.set(chunk, offset);
    offset += chunk.length;
  }
  return bytes;
}
