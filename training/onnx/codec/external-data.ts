import { dirname, isAbsolute, relative, resolve } from 'node:path';
import { AppError } from '../../../src/errors.ts';
import { strangerOf } from '../../../src/files/index.ts';
import { byteSize, dataTypeOf } from '../data-type.ts';
import {
  type GraphProto,
  TensorProto_DataLocation as Location,
  type ModelProto,
  type TensorProto,
} from '../proto/onnx_pb.ts';
import { elementCount } from '../tensor.ts';
import { readRange, withFile } from './files.ts';

/** Every tensor of a graph and of the bodies inside it that lies in another file. */
function* externalTensors(graph: GraphProto): Generator<TensorProto> {
  for (const tensor of graph.initializer) {
    if (tensor.dataLocation === Location.EXTERNAL) yield tensor;
  }
  for (const { t, g, tensors, graphs } of graph.node.flatMap((node) => node.attribute)) {
    for (const tensor of t ? [t, ...tensors] : tensors) {
      if (tensor.dataLocation === Location.EXTERNAL) yield tensor;
    }
    for (const body of g ? [g, ...graphs] : graphs) yield* externalTensors(body);
  }
}

const entry = (tensor: TensorProto, key: string): string | undefined =>
  tensor.externalData.find((one) => one.key === key)?.value;

/** The file a tensor lies in: always inside the model's folder. */
function fileOf(tensor: TensorProto, model: string): string {
  const location = entry(tensor, 'location') ?? '';
  const folder = dirname(resolve(model));
  const file = resolve(folder, location);
  const inside = relative(folder, file);
  const steps = inside.split(/[\\/]/);
  if (
    location === '' ||
    isAbsolute(location) ||
    isAbsolute(inside) ||
    inside === '' ||
    steps[0] === '..'
  ) {
    throw new AppError(
      'model_invalid',
      `tensor "${tensor.name}" refers to the file "${location}", which must lie in the model's folder`,
    );
  }
  return file;
}

/** A number of an entry, such as its offset. */
function numberOf(tensor: TensorProto, key: string, otherwise: number): number {
  const text = entry(tensor, key);
  const number = text === undefined || text === '' ? otherwise : Number(text);
  if (Number.isSafeInteger(number) && number >= 0) return number;
  throw new AppError(
    'model_invalid',
    `the ${key} of tensor "${tensor.name}" is "${text}", not a size`,
  );
}

/**
 * Loads the data that tensors keep in other files beside the model. Throws `file_missing`, naming
 * the file,
 * and `model_invalid` for places outside the folder or the file.
 */
export async function loadExternalData(proto: ModelProto, model: string): Promise<void> {
  if (proto.graph === undefined) return;
  const byFile = new Map<string, TensorProto[]>();
  for (const tensor of externalTensors(proto.graph)) {
    const file = fileOf(tensor, model);
    byFile.set(file, [...(byFile.get(file) ?? []), tensor]);
  }
  for (const [file, tensors] of byFile) await loadFrom(file, tensors, model);
}

async function loadFrom(
  file: string,
  tensors: readonly TensorProto[],
  model: string,
): Promise<void> {
  const load = withFile(file, async (handle, size) => {
    for (const tensor of tensors) {
      const type = dataTypeOf(tensor.dataType);
      const expected = type ? byteSize(type, elementCount(tensor.dims.map(Number))) : 0;
      const offset = numberOf(tensor, 'offset', 0);
      const length = numberOf(tensor, 'length', expected);
      if (offset + length > size) {
        const stranger = strangerOf(await readRange(handle, 0, Math.min(size, 64)));
        if (stranger) {
          const message = `the external data in ${file} is ${stranger.what}`;
          throw new AppError('model_invalid', message, { hint: stranger.hint });
        }
        throw new AppError(
          'model_invalid',
          `tensor "${tensor.name}" lies at ${offset} to ${offset + length} of ${file}, which has only ${size} bytes`,
          {
            hint: 'the file is damaged or belongs to another model: download or export both again',
          },
        );
      }
      tensor.rawData = await readRange(handle, offset, length);
      tensor.dataLocation = Location.DEFAULT;
      tensor.externalData = [];
    }
  });
  await load.catch((error: unknown) => {
    if (!(error instanceof AppError) || error.code !== 'file_missing') throw error;
    throw new AppError('file_missing', `the external data of ${model} is missing: ${file}`, {
      cause: error,
      hint: 'put it beside the model file, under this name',
    });
  });
}
