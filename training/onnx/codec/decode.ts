import { fromBinary } from '@bufbuild/protobuf';
import { AppError, messageOf } from '../../../src/errors.ts';
import { nameShown, strangerOf } from '../../../src/files/index.ts';
import { Graph } from '../graph.ts';
import type { Model } from '../model.ts';
import { type ModelProto, ModelProtoSchema } from '../proto/onnx_pb.ts';
import { fillGraph } from './decode-graph.ts';
import type { ModelExtras } from './extras.ts';
import { requireBoundedFunctions } from './functions.ts';
import { scanModel } from './scan.ts';

const exportHint = 'export the model to .onnx again, or download it again';

/** Parses the messages of a file. Empties nothing, copies no raw data; changes the bytes only where they are its `own`. */
export function parseModel(bytes: Uint8Array, own = false): ModelProto {
  if (bytes.length === 0) {
    throw new AppError('model_invalid', 'the file is empty', { hint: exportHint });
  }
  const isJson = bytes[0] === 0x7b;
  const stranger = isJson ? { what: 'JSON', hint: exportHint } : strangerOf(bytes);
  if (stranger !== undefined) {
    throw new AppError('model_invalid', `this is no ONNX model but ${stranger.what}`, {
      hint: stranger.hint,
    });
  }
  const proto = parse(scanModel(bytes, own));
  requireExactVersions(proto);
  requireBoundedFunctions(proto);
  if (proto.graph === undefined || proto.irVersion <= 0n || proto.opsetImport.length === 0) {
    throw new AppError(
      'model_invalid',
      'this is no ONNX model: it has no graph, no IR version or no operator set, or it was cut off',
      { hint: exportHint },
    );
  }
  return proto;
}

/** Versions are small numbers; beyond 2^53 they would be others when written again. */
function requireExactVersions({ irVersion, opsetImport }: ModelProto): void {
  const versions = opsetImport.map(
    ({ domain, version }) =>
      [`the version of the operator set ${nameShown(domain || 'ai.onnx')}`, version] as const,
  );
  for (const [what, version] of [['the IR version', irVersion] as const, ...versions]) {
    if (version >= 0n && version < 2n ** 31n) continue;
    throw new AppError('model_invalid', `${what} is ${version}: expected a number below 2^31`);
  }
}

function parse(bytes: Uint8Array): ModelProto {
  try {
    return fromBinary(ModelProtoSchema, bytes);
  } catch (cause) {
    const reason = messageOf(cause);
    throw new AppError('model_invalid', `this is no complete ONNX model (${reason})`, {
      cause,
      hint: exportHint,
    });
  }
}

/** The model of parsed messages, which are emptied: what is left in them is kept as extras. */
export function modelOf(proto: ModelProto): Model {
  const body = proto.graph;
  if (body === undefined) throw new AppError('model_invalid', 'the model has no graph');
  delete proto.graph;
  const graph = new Graph(body.name);
  graph.opsets.clear();
  for (const { domain, version } of proto.opsetImport) {
    graph.opsets.set(domain === 'ai.onnx' ? '' : domain, Number(version));
  }
  fillGraph(graph, body);
  const model: Model = {
    graph,
    irVersion: Number(proto.irVersion),
    producerName: proto.producerName,
    producerVersion: proto.producerVersion,
    metadata: new Map(proto.metadataProps.map(({ key, value }) => [key, value])),
    extras: { proto } satisfies ModelExtras,
  };
  proto.opsetImport = [];
  proto.metadataProps = [];
  return model;
}

/** Runs a step of reading; its errors name the file. */
export function naming<T>(file: string | undefined, step: () => T): T {
  try {
    return step();
  } catch (error) {
    throw file === undefined ? error : named(file, error);
  }
}

/** An error that names the file. */
export function named(file: string, error: unknown): unknown {
  if (!(error instanceof AppError)) return error;
  return new AppError(error.code, `${file}: ${error.message}`, {
    cause: error.cause ?? error,
    ...(error.hint === undefined ? {} : { hint: error.hint }),
  });
}

/**
 * A model from the bytes of an `.onnx` file; raw data stays a view of them. Throws `model_invalid`
 * where
 * they are no model, or refer to external data (`readModel` loads it). `file` names it in errors.
 */
export function decodeModel(bytes: Uint8Array, options: { readonly file?: string } = {}): Model {
  return naming(options.file, () => modelOf(parseModel(bytes)));
}
