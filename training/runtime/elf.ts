import { closeSync, openSync, readSync } from 'node:fs';

const MAGIC = 0x464c457f;
/** Kinds of program headers and of entries of the dynamic section, as <elf.h> names them. */
const PT_LOAD = 1;
const PT_DYNAMIC = 2;
const DT_NEEDED = 1;
const DT_STRTAB = 5;

interface Segment {
  readonly type: number;
  readonly offset: number;
  readonly address: number;
  readonly size: number;
}

/** The shared libraries that a 64-bit little-endian ELF file asks for; none for any other file. */
export function neededLibraries(path: string): string[] {
  const file = openSync(path, 'r');
  const read = (offset: number, length: number): Buffer => {
    const bytes = Buffer.alloc(length);
    readSync(file, bytes, 0, length, offset);
    return bytes;
  };
  try {
    const header = read(0, 64);
    if (header.readUInt32LE(0) !== MAGIC || header[4] !== 2 || header[5] !== 1) return [];
    const segments = programHeaders(header, read);
    const dynamic = segments.find(({ type }) => type === PT_DYNAMIC);
    return dynamic ? namesOf(read(dynamic.offset, dynamic.size), segments, read) : [];
  } finally {
    closeSync(file);
  }
}

type Read = (offset: number, length: number) => Buffer;

function programHeaders(header: Buffer, read: Read): Segment[] {
  const start = Number(header.readBigUInt64LE(32));
  const [size, count] = [header.readUInt16LE(54), header.readUInt16LE(56)];
  return Array.from({ length: count }, (_, i) => {
    const entry = read(start + i * size, size);
    const number = (at: number): number => Number(entry.readBigUInt64LE(at));
    return {
      type: entry.readUInt32LE(0),
      offset: number(8),
      address: number(16),
      size: number(32),
    };
  });
}

function namesOf(dynamic: Buffer, segments: readonly Segment[], read: Read): string[] {
  const entries = Array.from({ length: Math.floor(dynamic.length / 16) }, (_, i) => ({
    tag: Number(dynamic.readBigInt64LE(16 * i)),
    value: Number(dynamic.readBigUInt64LE(16 * i + 8)),
  }));
  const strings = entries.find(({ tag }) => tag === DT_STRTAB)?.value ?? 0;
  const segment = segments.find(
    ({ type, address, size }) => type === PT_LOAD && strings >= address && strings < address + size,
  );
  if (segment === undefined) return [];
  const start = strings - segment.address + segment.offset;
  const longest = 256;
  return entries
    .filter(({ tag }) => tag === DT_NEEDED)
    .map(({ value }) => {
      const bytes = read(start + value, longest);
      return bytes.toString('latin1', 0, bytes.indexOf(0));
    });
}
