import { constants, isUtf8 } from 'node:buffer';
import { AppError } from '../../src/errors.ts';
import {
  nameShown,
  parseJson,
  shown,
  strangerOf,
  writeFileAtomically,
} from '../../src/files/index.ts';
import { readRange, withFile } from './codec/files.ts';
import { byteSize } from './data-type.ts';
import { type DataType, elementCount, type Tensor } from './tensor.ts';

/** The format's names of element types. */
const typeNames: Partial<Record<DataType, string>> = {
  float64: 'F64',
  float32: 'F32',
  float16: 'F16',
  bfloat16: 'BF16',
  int64: 'I64',
  int32: 'I32',
  int16: 'I16',
  int8: 'I8',
  uint64: 'U64',
  uint32: 'U32',
  uint16: 'U16',
  uint8: 'U8',
  bool: 'BOOL',
  float8e4m3fn: 'F8_E4M3',
  float8e5m2: 'F8_E5M2',
};
const typesByName = new Map(
  Object.entries(typeNames).map(([type, name]) => [name, type as DataType]),
);

const METADATA = '__metadata__';
/** The format's own limit. */
const maximumHeader = 100_000_000;
/** Up to here the data is read as one buffer, beyond it tensor by tensor. */
const oneBuffer = 1.5e9;

interface Entry {
  readonly name: string;
  readonly type: DataType;
  readonly dims: readonly number[];
  readonly start: number;
  readonly end: number;
}

export interface Safetensors {
  readonly tensors: Map<string, Tensor>;
  readonly metadata: Record<string, string>;
}

const broken = (file: string, problem: string): AppError =>
  new AppError('data_invalid', `${file} is no valid safetensors file: ${problem}`, {
    hint: 'it may be cut off or damaged: download or write it again',
  });

const isSize = (value: unknown): value is number =>
  Number.isSafeInteger(value) && Number(value) >= 0;

const isSizes = (value: unknown): value is number[] => Array.isArray(value) && value.every(isSize);

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

function entryOf(file: string, name: string, raw: unknown): Entry {
  const { dtype, shape, data_offsets: offsets } = isObject(raw) ? raw : {};
  const refuse = (problem: string) => broken(file, `tensor ${nameShown(name)} ${problem}`);
  const type = typeof dtype === 'string' ? typesByName.get(dtype) : undefined;
  if (type === undefined) {
    const found = typeof dtype === 'string' ? shown(dtype) : typeof dtype;
    throw refuse(`has the unknown type ${found}`);
  }
  const [start, end] = isSizes(offsets) && offsets.length === 2 ? offsets : [];
  if (!isSizes(shape) || start === undefined || end === undefined) {
    throw refuse('lacks a shape or its place');
  }
  // A product that is not exact, or no number, is none of a file's.
  const expected = shape.includes(0) ? 0 : byteSize(type, elementCount(shape));
  if (end - start !== expected) {
    throw refuse(`must have ${expected} bytes but has ${end - start}`);
  }
  return { name, type, dims: shape, start, end };
}

/** Tensors must cover the data without holes or overlaps. */
function checkPlaces(file: string, entries: readonly Entry[], dataBytes: number): void {
  let at = 0;
  for (const entry of [...entries].sort((a, b) => a.start - b.start || a.end - b.end)) {
    if (entry.start !== at) {
      const problem =
        entry.start < at ? 'overlaps the tensor before it' : 'leaves a hole before it';
      throw broken(file, `tensor ${nameShown(entry.name)} ${problem}`);
    }
    if (entry.end > dataBytes)
      throw broken(file, `tensor ${nameShown(entry.name)} reaches beyond the end`);
    at = entry.end;
  }
  if (at !== dataBytes)
    throw broken(file, `${dataBytes - at} bytes at the end belong to no tensor`);
}

function parseHeader(file: string, bytes: Uint8Array) {
  if (!isUtf8(bytes)) throw broken(file, 'its header is not UTF-8');
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString();
  const header = parseJson(text, { name: `the header of ${file}` });
  if (!isObject(header)) throw broken(file, 'its header is no object');
  const { [METADATA]: metadata = {} } = header;
  if (!isObject(metadata) || !Object.values(metadata).every((value) => typeof value === 'string')) {
    throw broken(file, 'its metadata must map text to text');
  }
  const names = Object.keys(header).filter((name) => name !== METADATA);
  const entries = names.map((name) => entryOf(file, name, header[name]));
  return { entries, metadata: metadata as Record<string, string> };
}

/**
 * Reads all tensors of a file; they are views of one buffer unless there is too much for one.
 * Throws `file_missing`, and `data_invalid` naming the file and the tensor.
 */
export function readSafetensors(path: string): Promise<Safetensors> {
  return withFile(path, async (handle, size) => {
    if (size < 8) throw broken(path, 'it is too short');
    const length = Number(
      new DataView((await readRange(handle, 0, 8)).buffer).getBigUint64(0, true),
    );
    if (length > Math.min(maximumHeader, size - 8)) {
      const stranger = strangerOf(await readRange(handle, 0, Math.min(size, 64)));
      if (stranger) {
        const message = `${path} is ${stranger.what}: expected a safetensors file`;
        throw new AppError('data_invalid', message, { hint: stranger.hint });
      }
      throw broken(path, `its header would be ${length} bytes long`);
    }
    const { entries, metadata } = parseHeader(path, await readRange(handle, 8, length));
    const dataStart = 8 + length;
    checkPlaces(path, entries, size - dataStart);
    const whole =
      size - dataStart <= oneBuffer
        ? await readRange(handle, dataStart, size - dataStart)
        : undefined;
    const tensors = new Map<string, Tensor>();
    for (const { name, type, dims, start, end } of entries) {
      if (end - start > constants.MAX_LENGTH) {
        const problem = `tensor ${nameShown(name)} has ${end - start} bytes: expected ${constants.MAX_LENGTH} at most`;
        throw new AppError('data_invalid', `${path}: ${problem}`);
      }
      const bytes =
        whole?.subarray(start, end) ?? (await readRange(handle, dataStart + start, end - start));
      tensors.set(name, { type, dims, bytes });
    }
    return { tensors, metadata };
  });
}

const byName = ([a]: readonly [string, unknown], [b]: readonly [string, unknown]): number =>
  a < b ? -1 : a > b ? 1 : 0;

/** The header, padded so that the data starts at a multiple of 8. */
function encodeHeader(
  tensors: readonly (readonly [string, Tensor])[],
  metadata: Readonly<Record<string, string>>,
): Uint8Array {
  let offset = 0;
  const fields = new Map<string, unknown>([[METADATA, metadata]]);
  for (const [name, tensor] of tensors) {
    const dtype = typeNames[tensor.type];
    if (dtype === undefined || name === METADATA) {
      throw new AppError(
        'internal',
        `tensor "${name}" of type ${tensor.type} cannot be a safetensors entry`,
      );
    }
    const end = offset + tensor.bytes.length;
    fields.set(name, { dtype, shape: tensor.dims, data_offsets: [offset, end] });
    offset = end;
  }
  const json = Array.from(
    fields,
    ([name, field]) => `${JSON.stringify(name)}:${JSON.stringify(field)}`,
  );
  const text = new TextEncoder().encode(`{${json.join(',')}}`);
  const header = new Uint8Array(8 + Math.ceil(text.length / 8) * 8).fill(0x20);
  new DataView(header.buffer).setBigUint64(0, BigInt(header.length - 8), true);
  header.set(text, 8);
  return header;
}

/**
 * Writes tensors, sorted by name, to a file that appears whole or not at all. Nothing is copied.
 */
export async function writeSafetensors(
  path: string,
  tensors: ReadonlyMap<string, Tensor>,
  metadata: Readonly<Record<string, string>> = {},
): Promise<void> {
  const sorted = [...tensors].sort(byName);
  const chunks = [encodeHeader(sorted, metadata), ...sorted.map(([, tensor]) => tensor.bytes)];
  await writeFileAtomically(path, chunks);
}
