import type { FileHandle } from 'node:fs/promises';
import { dirname, isAbsolute, relative, resolve } from 'node:path';
import { AppError } from '../../../src/errors.ts';
import { nameShown, shown, strangerOf } from '../../../src/files/index.ts';
import { byteSize, dataTypeOf } from '../data-type.ts';
import { limits } from '../limits.ts';
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
      `tensor ${nameShown(tensor.name)} refers to the file ${nameShown(location)}, which must lie in the model's folder`,
    );
  }
  return file;
}

/** A number of an entry, such as its offset. */
function numberOf(tensor: TensorProto, key: string, otherwise: number): number {
  const text = entry(tensor, key);
  if (text === undefined || text === '') return otherwise;
  if (/^\d+$/.test(text) && Number.isSafeInteger(Number(text))) return Number(text);
  throw new AppError(
    'model_invalid',
    `the ${key} of tensor ${nameShown(tensor.name)} is ${shown(text)}, not a size`,
  );
}

/**
 * Loads the data that tensors keep in other files beside the model. Throws `file_missing`, naming
 * the file, and `model_invalid` for places outside the folder or the file.
 */
export async function loadExternalData(proto: ModelProto, model: string): Promise<void> {
  if (proto.graph === undefined) return;
  const byFile = new Map<string, TensorProto[]>();
  for (const tensor of externalTensors(proto.graph)) {
    const file = fileOf(tensor, model);
    const known = byFile.get(file);
    if (known) known.push(tensor);
    else byFile.set(file, [tensor]);
  }
  for (const [file, tensors] of byFile) await loadFrom(file, tensors, model);
}

async function loadFrom(
  file: string,
  tensors: readonly TensorProto[],
  model: string,
): Promise<void> {
  const load = withFile(file, async (handle, size) => {
    const ranges = tensors.map(rangeOf).sort((a, b) => a.from - b.from);
    const beyond = ranges.find(({ to }) => to > size);
    if (beyond) throw await beyondEnd(beyond, file, handle, size);
    requireFewShares(ranges, file, size);
    for (const block of blocks(ranges)) {
      const bytes = await readRange(handle, block.from, block.to - block.from);
      for (const { tensor, from, to } of block.ranges) {
        tensor.rawData = bytes.subarray(from - block.from, to - block.from);
        tensor.dataLocation = Location.DEFAULT;
        tensor.externalData = [];
      }
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

/** Where a tensor lies in its file: from the first byte to the one behind the last. */
interface Range {
  readonly tensor: TensorProto;
  readonly from: number;
  readonly to: number;
}

/** AppError `model_invalid` where the length is not the one of the tensor's shape. */
function rangeOf(tensor: TensorProto): Range {
  const type = dataTypeOf(tensor.dataType);
  const expected = type ? byteSize(type, elementCount(tensor.dims.map(Number))) : 0;
  const from = numberOf(tensor, 'offset', 0);
  const length = numberOf(tensor, 'length', expected);
  if (type && type !== 'string' && length !== expected) {
    const dims = tensor.dims.slice(0, limits.axes).join(', ');
    throw new AppError(
      'model_invalid',
      `tensor ${nameShown(tensor.name)}, ${type} [${dims}], must have ${expected} bytes but has ${length} in its external data`,
    );
  }
  return { tensor, from, to: from + length };
}

async function beyondEnd(
  { tensor, from, to }: Range,
  file: string,
  handle: FileHandle,
  size: number,
): Promise<AppError> {
  const stranger = strangerOf(await readRange(handle, 0, Math.min(size, 64)));
  if (stranger) {
    const message = `the external data in ${file} is ${stranger.what}`;
    return new AppError('model_invalid', message, { hint: stranger.hint });
  }
  return new AppError(
    'model_invalid',
    `tensor ${nameShown(tensor.name)} lies at ${from} to ${to} of ${file}, which has only ${size} bytes`,
    { hint: 'the file is damaged or belongs to another model: download or export both again' },
  );
}

/** Tied weights lie at one place; a thousand tensors over one another would be a thousand times the file. */
function requireFewShares(ranges: readonly Range[], file: string, size: number): void {
  const bytes = ranges.reduce((sum, { from, to }) => sum + to - from, 0);
  if (bytes <= limits.copies * size) return;
  throw new AppError(
    'model_invalid',
    `the tensors in ${file} lie over one another: they have ${bytes} bytes, the file ${size}; at most ${limits.copies} times as many are read`,
  );
}

/** Ranges that overlap, as one stretch of the file that is read once. They are given by their beginnings. */
function* blocks(
  ranges: readonly Range[],
): Generator<{ from: number; to: number; ranges: Range[] }> {
  let block: { from: number; to: number; ranges: Range[] } | undefined;
  for (const range of ranges) {
    if (block && range.from < block.to) {
      block.to = Math.max(block.to, range.to);
      block.ranges.push(range);
      continue;
    }
    if (block) yield block;
    block = { from: range.from, to: range.to, ranges: [range] };
  }
  if (block) yield block;
}
