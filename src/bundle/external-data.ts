import { closeSync, fstatSync, openSync, readSync } from 'node:fs';
import { posix } from 'node:path';
import { setImmediate as breathe } from 'node:timers/promises';
import { AppError } from '../errors.ts';
import { shown } from '../files/index.ts';
import { staysInside } from './check-manifest.ts';

/**
 * Where the messages of an ONNX file hold others, by field (onnx.proto3): as far as tensors can lie in them. `entry` is
 * one of a tensor's `external_data`.
 */
export const messages = {
  model: { 7: 'graph', 20: 'training', 25: 'function' },
  training: { 1: 'graph', 2: 'graph' },
  function: { 7: 'node', 11: 'attribute' },
  graph: { 1: 'node', 5: 'tensor', 15: 'sparse' },
  node: { 5: 'attribute' },
  attribute: {
    5: 'tensor',
    6: 'graph',
    10: 'tensor',
    11: 'graph',
    22: 'sparse',
    23: 'sparse',
  },
  sparse: { 1: 'tensor', 2: 'tensor' },
  tensor: { 13: 'entry' },
} as const satisfies Record<string, Readonly<Record<number, string>>>;

type Message = keyof typeof messages;

const entryFields = { key: 1, value: 2 } as const;
const LOCATION = 'location';

/** Messages within each other: the runtime reads no more either. */
const DEEPEST = 100;
/** Files that weights lie in, and characters of such a name. */
const MOST_LOCATIONS = 1_000;
const LONGEST_NAME = 1_000;
/** Others have their turn after so many fields. */
const FIELDS_AT_A_TIME = 50_000;

const HINT = 'write the bundle again with this version of mbti-train';

/**
 * Refuses a graph whose weights lie in a file of which the manifest says nothing: what is served is what was verified.
 * `file` is the graph's path inside the bundle, `path` its place. AppError `bundle_invalid`.
 */
export async function refuseUnlistedWeights(
  path: string,
  file: string,
  listed: Readonly<Record<string, unknown>>,
): Promise<void> {
  for (const location of await externalLocations(path, file)) {
    // The runtime takes a name for a path, whatever it leads to.
    const beside = posix.join(posix.dirname(file), location);
    if (staysInside(location) && Object.hasOwn(listed, beside)) continue;
    throw new AppError(
      'bundle_invalid',
      `${file} has weights in ${shown(location)}: expected a file beside it that the manifest lists`,
      { hint: HINT },
    );
  }
}

/** The files that tensors of an ONNX file lie in, as it names them. What is no protobuf is `bundle_invalid`. */
async function externalLocations(path: string, file: string): Promise<ReadonlySet<string>> {
  const bytes = new FileBytes(path, file);
  try {
    return await locationsIn(bytes);
  } finally {
    bytes.close();
  }
}

interface Opened {
  readonly message: Message;
  readonly end: number;
}

async function locationsIn(bytes: FileBytes): Promise<ReadonlySet<string>> {
  const found = new Set<string>();
  const open: Opened[] = [{ message: 'model', end: bytes.size }];
  for (let fields = 1; ; fields++) {
    while (open.at(-1)?.end === bytes.at) open.pop();
    const inner = open.at(-1);
    if (!inner) return found;
    if (fields % FIELDS_AT_A_TIME === 0) await breathe();
    const { number, length } = bytes.field(inner.end);
    if (length === undefined) continue;
    const held: Readonly<Record<number, Message | 'entry'>> = messages[inner.message];
    const message = Object.hasOwn(held, number) ? held[number] : undefined;
    if (message === 'entry') addLocation(found, bytes, bytes.at + length);
    else if (message) enter(open, bytes, { message, end: bytes.at + length });
    else bytes.at += length;
  }
}

function enter(open: Opened[], bytes: FileBytes, inner: Opened): void {
  if (open.length > DEEPEST) {
    throw bytes.refused(`graphs that lie in each other more than ${DEEPEST} deep`);
  }
  open.push(inner);
}

function addLocation(found: Set<string>, bytes: FileBytes, end: number): void {
  const location = locationOf(bytes, end);
  if (location !== undefined) found.add(location);
  if (found.size > MOST_LOCATIONS) {
    throw bytes.refused(`weights in more than ${MOST_LOCATIONS} files`);
  }
}

function locationOf(bytes: FileBytes, end: number): string | undefined {
  let [key, value] = ['', ''];
  while (bytes.at < end) {
    const { number, length } = bytes.field(end);
    if (length === undefined) continue;
    const isKey = number === entryFields.key;
    if (isKey) key = bytes.text(length);
    else if (number === entryFields.value) value = bytes.text(length);
    bytes.at += length;
  }
  return key === LOCATION ? value : undefined;
}

const PAGE_BYTES = 2 ** 16;

/** Wire types of protobuf: what follows a field's number. */
const wire = { varint: 0, eight: 1, length: 2, four: 5 } as const;

/** A protobuf file, read by pages: of the weights nothing is read. */
class FileBytes {
  readonly size: number;
  at = 0;
  readonly #file: string;
  readonly #descriptor: number;
  readonly #page = Buffer.alloc(PAGE_BYTES);
  #pageAt = 0;
  #pageLength = 0;

  constructor(path: string, file: string) {
    this.#file = file;
    this.#descriptor = openSync(path, 'r');
    this.size = fstatSync(this.#descriptor).size;
  }

  close(): void {
    closeSync(this.#descriptor);
  }

  refused(what: string): AppError {
    return new AppError('bundle_invalid', `${this.#file} has ${what}`, { hint: HINT });
  }

  /** The next field: behind it stands what it holds, `length` bytes; without a length it is passed already. */
  field(end: number): { readonly number: number; readonly length: number | undefined } {
    const tag = this.#varint();
    const [number, type] = [Math.floor(tag / 8), tag % 8];
    let length: number | undefined;
    if (type === wire.varint) this.#varint();
    else if (type === wire.eight) this.at += 8;
    else if (type === wire.four) this.at += 4;
    else if (type === wire.length) length = this.#varint();
    else throw this.#malformed();
    if (number === 0 || this.at + (length ?? 0) > end) throw this.#malformed();
    return { number, length };
  }

  /** The next bytes as text, without passing them. */
  text(length: number): string {
    if (length > LONGEST_NAME) {
      throw this.refused(
        `the name of a file of weights with ${length} bytes: expected ${LONGEST_NAME} at most`,
      );
    }
    const bytes = Buffer.alloc(length);
    readSync(this.#descriptor, bytes, 0, length, this.at);
    return bytes.toString('utf8');
  }

  #varint(): number {
    let [value, scale] = [0, 1];
    for (let i = 0; i < 10; i++) {
      const byte = this.#byte();
      value += (byte & 0x7f) * scale;
      if (byte < 0x80) return value;
      scale *= 0x80;
    }
    throw this.#malformed();
  }

  #byte(): number {
    const { at } = this;
    if (at < this.#pageAt || at >= this.#pageAt + this.#pageLength) {
      this.#pageAt = at;
      this.#pageLength = readSync(this.#descriptor, this.#page, 0, PAGE_BYTES, at);
      if (this.#pageLength === 0) throw this.#malformed();
    }
    this.at++;
    return this.#page[at - this.#pageAt] as number;
  }

  #malformed(): AppError {
    return new AppError(
      'bundle_invalid',
      `${this.#file} cannot be loaded: it is no ONNX file, it ends or breaks off at byte ${this.at}`,
      { hint: HINT },
    );
  }
}
