import { AppError } from '../../errors.ts';

/** Says how many bytes of a body are JSON; the rest are tensors (the binary tensor data extension). */
export const HEADER_LENGTH = 'inference-header-content-length';

/** The content type of such bodies. */
export const BINARY = 'application/octet-stream';

/** Bytes of the length before every element of a BYTES tensor. */
const LENGTH_BYTES = 4;

/** The JSON and the tensors of a body. AppError `invalid_request` where the header's value is wrong. */
export function splitBody(
  body: Buffer,
  headerLength: string | undefined,
): { readonly json: Buffer; readonly tensors: Buffer } {
  if (headerLength === undefined) return { json: body, tensors: body.subarray(body.length) };
  const length = Number(headerLength);
  if (!/^\d{1,15}$/.test(headerLength) || length > body.length) {
    throw invalid(`${HEADER_LENGTH} is no number of bytes from 0 to the body's ${body.length}`);
  }
  return { json: body.subarray(0, length), tensors: body.subarray(length) };
}

/**
 * The strings of a BYTES tensor: each is its length in bytes, 4 bytes little-endian, and then UTF-8.
 * `most` elements are read at most. AppError `invalid_request`.
 */
export function decodeStrings(tensor: Buffer, name: string, most: number): string[] {
  const strings: string[] = [];
  for (let at = 0; at < tensor.length; ) {
    if (strings.length >= most) throw invalid(`${name} has over ${most} elements: too many`);
    const place = `${name}[${strings.length}]`;
    const start = at + LENGTH_BYTES;
    if (start > tensor.length) throw invalid(`${place} is cut off within its length`);
    at = start + tensor.readUInt32LE(at);
    if (at > tensor.length) {
      throw invalid(`${place} is longer than the ${tensor.length - start} bytes that are left`);
    }
    strings.push(decodeUtf8(tensor.subarray(start, at), place));
  }
  return strings;
}

/** A BYTES tensor's data. */
export function encodeStrings(strings: readonly string[]): Buffer {
  return Buffer.concat(
    strings.flatMap((string) => {
      const bytes = Buffer.from(string);
      const length = Buffer.alloc(LENGTH_BYTES);
      length.writeUInt32LE(bytes.length);
      return [length, bytes];
    }),
  );
}

/** An FP32 tensor's data, little-endian. */
export function encodeFloats(values: readonly number[]): Buffer {
  const bytes = Buffer.alloc(values.length * Float32Array.BYTES_PER_ELEMENT);
  for (const [i, value] of values.entries()) {
    bytes.writeFloatLE(value, i * Float32Array.BYTES_PER_ELEMENT);
  }
  return bytes;
}

function decodeUtf8(bytes: Uint8Array, place: string): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    throw invalid(`${place} is not valid UTF-8`);
  }
}

function invalid(message: string): AppError {
  return new AppError('invalid_request', message);
}
