import { basename } from 'node:path';
import { writeFilesAtomically } from '../../../src/files/index.ts';
import type { Value } from '../graph.ts';
import type { Model } from '../model.ts';
import { encodeChunks } from './encode.ts';
import type { ExternalPlace } from './encode-tensor.ts';

export interface WriteOptions {
  /**
   * Whether weights go to `<name>.data` beside the model, or from how many bytes on. Left out: only
   * when
   * the model would be too large for one file.
   */
  readonly externalData?: boolean | number;
}

/** Room for the rest of the file below protobuf's 2 GB. */
const automaticLimit = 1.9e9;
const defaultThreshold = 1024;
/** Weights start at multiples of this, for whoever maps the file into memory. */
const alignment = 64;

const initializerBytes = (model: Model): number =>
  model.graph.initializers.reduce(
    (sum, { initializer }) => sum + (initializer?.bytes.length ?? 0),
    0,
  );

function threshold(model: Model, { externalData }: WriteOptions): number {
  if (typeof externalData === 'number') return externalData;
  const wanted = externalData ?? initializerBytes(model) > automaticLimit;
  return wanted ? defaultThreshold : Number.POSITIVE_INFINITY;
}

/** Weights of at least `minimum` bytes, one after the other in the file `location`. */
function layOut(model: Model, location: string, minimum: number) {
  const places = new Map<Value, ExternalPlace>();
  const chunks: Uint8Array[] = [];
  let offset = 0;
  for (const value of model.graph.initializers) {
    const bytes = value.initializer?.bytes;
    if (bytes === undefined || bytes.length === 0 || bytes.length < minimum) continue;
    const gap = (alignment - (offset % alignment)) % alignment;
    if (gap > 0) chunks.push(new Uint8Array(gap));
    chunks.push(bytes);
    places.set(value, { location, offset: offset + gap });
    offset += gap + bytes.length;
  }
  return { places, chunks };
}

/**
 * Writes a model to an `.onnx` file, atomically: it appears whole or not at all. Weights are
 * written from
 * where they lie, without a copy.
 */
export async function writeModel(
  model: Model,
  path: string,
  options: WriteOptions = {},
): Promise<void> {
  const location = `${basename(path)}.data`;
  const { places, chunks } = layOut(model, location, threshold(model, options));
  const file = { path, content: encodeChunks(model, places) };
  const data = { path: `${path}.data`, content: chunks };
  await writeFilesAtomically(places.size === 0 ? [file] : [data, file]);
}
