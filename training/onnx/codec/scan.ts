import { type DescField, type DescMessage, ScalarType } from '@bufbuild/protobuf';
import { AppError } from '../../../src/errors.ts';
import { limits } from '../limits.ts';
import { ModelProtoSchema, NodeProtoSchema, TensorProtoSchema } from '../proto/onnx_pb.ts';

/** Encodings of a field, as protobuf numbers them. */
const wire = { varint: 0, eight: 1, bytes: 2, four: 5 } as const;

/** What is counted, with what a message calls it. */
const counted = {
  nodes: 'nodes',
  tensors: 'tensors',
  entries: 'entries (inputs, outputs, attributes, descriptions)',
  integers: 'integers in lists',
  numbers: 'numbers in lists',
} as const;

type Counted = keyof typeof counted;

/** What one occurrence of a field is. */
interface Kind {
  readonly counts: Counted | undefined;
  /** The message inside. */
  readonly inside?: Fields;
  /** How one is encoded; undefined: anyhow. A list of numbers may also be packed into one text of bytes. */
  readonly encoding?: number;
  /** Bytes of an element where a list is packed; 0: as many as it takes. */
  readonly packed?: number;
  /** A name, which has a limit of its own. */
  readonly name?: string;
  /** A tensor's floats in a list: packed, they are what raw data is. */
  readonly isFloats?: boolean;
}

type Fields = Map<number, Kind>;

/** Texts that may be long: documentation and the values of metadata. */
const longTexts = new Set(['doc_string', 'value']);

const wideIntegers = new Set([
  ScalarType.INT64,
  ScalarType.UINT64,
  ScalarType.SINT64,
  ScalarType.FIXED64,
]);
/** Numbers of a fixed size; the others take as many bytes as they need. */
const fixed: Partial<Record<ScalarType, { encoding: number; packed: number }>> = {
  [ScalarType.FLOAT]: { encoding: wire.four, packed: 4 },
  [ScalarType.DOUBLE]: { encoding: wire.eight, packed: 8 },
};
const variable = { encoding: wire.varint, packed: 0 };

/** Messages that take more memory than others. */
const large: ReadonlyMap<DescMessage, Counted> = new Map<DescMessage, Counted>([
  [NodeProtoSchema, 'nodes'],
  [TensorProtoSchema, 'tensors'],
]);

const known = new Map<DescMessage, Fields>();

function fieldsOf(message: DescMessage): Fields {
  const before = known.get(message);
  if (before) return before;
  const fields: Fields = new Map();
  known.set(message, fields);
  for (const field of message.fields) fields.set(field.number, kindOf(field));
  return fields;
}

function kindOf(field: DescField): Kind {
  const isList = field.fieldKind === 'list';
  if (field.message) {
    const counts = large.get(field.message) ?? 'entries';
    return { counts, encoding: wire.bytes, inside: fieldsOf(field.message) };
  }
  const scalar = field.scalar ?? ScalarType.INT32;
  if (scalar === ScalarType.STRING || scalar === ScalarType.BYTES) {
    const text: Kind = { counts: isList ? 'entries' : undefined, encoding: wire.bytes };
    const isName = scalar === ScalarType.STRING && !longTexts.has(field.name);
    return isName ? { ...text, name: field.name } : text;
  }
  const { encoding, packed } = fixed[scalar] ?? variable;
  if (!isList) return { counts: undefined, encoding };
  const isFloats = field.parent === TensorProtoSchema && packed > 0;
  const counts = wideIntegers.has(scalar) ? 'integers' : 'numbers';
  return { counts, encoding, packed, isFloats };
}

/** From so many bytes on floats are taken as raw data: as a list of numbers they take several times the memory. */
const LARGE = 2 ** 22;

/** The tag of `raw_data`. */
const RAW_DATA = (TensorProtoSchema.field.rawData.number << 3) | wire.bytes;

/** What the format does not know is kept as it is. */
const unknown: Kind = { counts: 'entries' };

/**
 * Walks through a file before it is parsed, since parsed messages take many times the memory of their bytes.
 * AppError `model_invalid` where it has more than is read, or where its parts do not lie inside one another.
 *
 * @returns the same file, where large lists of floats are raw data; a copy unless `own` says that it may be changed
 */
export function scanModel(bytes: Uint8Array, own: boolean): Uint8Array {
  const scan = new Scan(bytes);
  scan.message(fieldsOf(ModelProtoSchema), bytes.length, 1);
  if (scan.floats.length === 0) return bytes;
  const changed = own ? bytes : bytes.slice();
  for (const at of scan.floats) changed[at] = RAW_DATA;
  return changed;
}

class Scan {
  /** Where the tags of large lists of floats stand. */
  readonly floats: number[] = [];
  readonly #bytes: Uint8Array;
  readonly #counts: Record<Counted, number> = {
    nodes: 0,
    tensors: 0,
    entries: 0,
    integers: 0,
    numbers: 0,
  };
  #at = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  message(fields: Fields, end: number, depth: number): void {
    if (depth > limits.depth)
      throw tooMuch(`its messages are nested more than ${limits.depth} deep`);
    while (this.#at < end) {
      const start = this.#at;
      const tag = this.#varint();
      const kind = fields.get(Math.floor(tag / 8)) ?? unknown;
      const encoding = tag % 8;
      const isPacked = encoding === wire.bytes && kind.packed !== undefined;
      if (encoding !== (kind.encoding ?? encoding) && !isPacked) {
        throw broken(`it has a field of the encoding ${encoding} where ${kind.encoding} belongs`);
      }
      if (encoding === wire.bytes) this.#content(kind, end, depth, start);
      else this.#number(kind, encoding);
    }
    if (this.#at > end) throw broken('it ends early');
  }

  #number({ counts }: Kind, encoding: number): void {
    if (counts) this.#count(counts, 1);
    if (encoding === wire.varint) this.#varint();
    else if (encoding === wire.eight) this.#at += 8;
    else if (encoding === wire.four) this.#at += 4;
    else throw broken(`it has a field of the encoding ${encoding}`);
  }

  /** A field with a length: a message, a list or a text. */
  #content(kind: Kind, end: number, depth: number, start: number): void {
    const length = this.#varint();
    const to = this.#at + length;
    if (to > end) throw broken('it ends early, or a part of it reaches beyond the one around it');
    if (kind.name !== undefined && length > limits.name) {
      throw tooMuch(
        `it has a name of ${length} bytes (${kind.name}): at most ${limits.name} are read`,
      );
    }
    // A tag of more than one byte is no exporter's: there the list stays a list.
    if (kind.isFloats && length >= LARGE && (this.#bytes[start] ?? 0x80) < 0x80)
      this.floats.push(start);
    else if (kind.counts) this.#count(kind.counts, this.#elements(kind, to));
    if (kind.inside) this.message(kind.inside, to, depth + 1);
    this.#at = to;
  }

  #elements({ packed }: Kind, to: number): number {
    if (packed === undefined) return 1;
    if (packed > 0) return Math.floor((to - this.#at) / packed);
    let count = 0;
    for (let at = this.#at; at < to; at++) if ((this.#bytes[at] ?? 0) < 0x80) count++;
    return count;
  }

  #count(what: Counted, by: number): void {
    this.#counts[what] += by;
    if (this.#counts[what] <= limits[what]) return;
    throw tooMuch(`it has more than ${limits[what]} ${counted[what]}: no more are read`);
  }

  /** Of large numbers only what a length can be is exact. */
  #varint(): number {
    let value = 0;
    let scale = 1;
    for (let i = 0; i < 10; i++) {
      const byte = this.#bytes[this.#at++];
      if (byte === undefined) throw broken('it ends early');
      value += (byte & 0x7f) * scale;
      if (byte < 0x80) return value;
      scale *= 128;
    }
    throw broken('it has a number of more than ten bytes');
  }
}

const broken = (why: string): AppError =>
  new AppError('model_invalid', `this is no complete ONNX model (${why})`, {
    hint: 'export the model to .onnx again, or download it again',
  });

const tooMuch = (what: string): AppError =>
  new AppError('model_invalid', `the model is too large: ${what}`);
