import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { readSafetensors, writeSafetensors } from '../../../training/onnx/safetensors.ts';
import {
  type DataType,
  floatTensor,
  numbersOf,
  type Tensor,
} from '../../../training/onnx/tensor.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';

const temporary = temporaryFolder();

function fileWith(name: string, header: unknown, data = new Uint8Array(0)): string {
  const text = Buffer.from(typeof header === 'string' ? header : JSON.stringify(header));
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(text.length));
  const path = `${temporary.path}/${name}`;
  writeFileSync(path, Buffer.concat([length, text, data]));
  return path;
}

const plain = (tensors: ReadonlyMap<string, Tensor>) =>
  [...tensors].map(([name, { type, dims, bytes }]) => ({ name, type, dims, bytes: [...bytes] }));

describe('tensors that are written and read again', () => {
  const sizes: [DataType, number][] = [
    ['float32', 4],
    ['float64', 8],
    ['float16', 2],
    ['bfloat16', 2],
    ['int64', 8],
    ['int32', 4],
    ['uint8', 1],
    ['bool', 1],
  ];
  const entry = fc
    .tuple(fc.constantFrom(...sizes), fc.array(fc.nat(4), { maxLength: 3 }))
    .chain(([[type, size], dims]) => {
      const length = dims.reduce((product, dim) => product * dim, size);
      const bytes = fc.uint8Array({ minLength: length, maxLength: length });
      return bytes.map((content): Tensor => ({ type, dims, bytes: content }));
    });
  const name = fc
    .string({ unit: 'grapheme', maxLength: 8 })
    .filter((one) => one !== '__metadata__');

  it('are the same, whatever their types, names and metadata', async () => {
    const text = fc.string({ unit: 'grapheme', maxLength: 5 });
    const metadata = fc.dictionary(text, text, { noNullPrototype: true });
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.tuple(name, entry), { maxLength: 5 }),
        metadata,
        async (list, said) => {
          const tensors = new Map(list);
          const path = `${temporary.path}/any.safetensors`;
          await writeSafetensors(path, tensors, said);
          const read = await readSafetensors(path);
          const sorted = new Map([...tensors].sort(([a], [b]) => (a < b ? -1 : 1)));
          expect(new Set(plain(read.tensors).map((one) => JSON.stringify(one)))).toEqual(
            new Set(plain(sorted).map((one) => JSON.stringify(one))),
          );
          expect(read.metadata).toEqual(said);
        },
      ),
      { numRuns: 50 },
    );
  });

  it('stand sorted by name behind a header whose end is a multiple of 8', async () => {
    const path = `${temporary.path}/sorted.safetensors`;
    const tensors = new Map([
      ['b', floatTensor([1], Float32Array.of(2))],
      ['a', floatTensor([2], Float32Array.of(1, 3))],
    ]);
    await writeSafetensors(path, tensors, { step: '4' });
    const bytes = readFileSync(path);
    const length = Number(bytes.readBigUInt64LE());
    expect(length % 8).toBe(0);
    expect(JSON.parse(bytes.subarray(8, 8 + length).toString())).toEqual({
      __metadata__: { step: '4' },
      a: { dtype: 'F32', shape: [2], data_offsets: [0, 8] },
      b: { dtype: 'F32', shape: [1], data_offsets: [8, 12] },
    });
    const { tensors: read } = await readSafetensors(path);
    expect([...read.keys()]).toEqual(['a', 'b']);
    expect(numbersOf(read.get('a')!)).toEqual([1, 3]);
    expect(read.get('a')!.bytes.buffer).toBe(read.get('b')!.bytes.buffer);
  });

  it('replace a file only when they are whole', async () => {
    const path = `${temporary.path}/kept.safetensors`;
    await writeSafetensors(path, new Map([['a', floatTensor([1], Float32Array.of(7))]]));
    const strings: Tensor = { type: 'string', dims: [1], bytes: new Uint8Array(0) };
    await expect(writeSafetensors(path, new Map([['text', strings]]))).rejects.toThrow(
      /"text".*string/,
    );
    expect(numbersOf((await readSafetensors(path)).tensors.get('a')!)).toEqual([7]);
    expect(readdirSync(temporary.path).filter((file) => file.endsWith('.tmp'))).toEqual([]);
  });
});

it('reads what the safetensors library wrote', async () => {
  const path = new URL('../../fixtures/ops/ops.safetensors', import.meta.url).pathname;
  const { tensors } = await readSafetensors(path);
  expect(tensors.get('matmul_2d/in/A')?.type).toBe('float32');
  expect(tensors.get('matmul_2d/in/A')?.dims).toHaveLength(2);
  expect(tensors.size).toBeGreaterThan(300);
});

describe('a file that is not valid', () => {
  const f32 = (start: number, end: number) => ({
    dtype: 'F32',
    shape: [(end - start) / 4],
    data_offsets: [start, end],
  });
  const eight = new Uint8Array(8);

  it.each([
    ['is no JSON', '{"a":', eight, /not JSON/],
    ['is a list', [], eight, /no object/],
    ['overlaps', { a: f32(0, 8), b: f32(4, 8) }, eight, /"b" overlaps/],
    ['has a hole', { a: f32(4, 8) }, eight, /"a" leaves a hole/],
    ['ends early', { a: f32(0, 8), b: f32(8, 16) }, eight, /"b" reaches beyond the end/],
    ['has bytes too many', { a: f32(0, 4) }, eight, /4 bytes at the end/],
    [
      'has a wrong size',
      { a: { ...f32(0, 8), shape: [3] } },
      eight,
      /"a" must have 12 bytes but has 8/,
    ],
    [
      'has an unknown type',
      { a: { ...f32(0, 8), dtype: 'Q4' } },
      eight,
      /"a" has the unknown type "Q4"/,
    ],
    ['lacks a shape', { a: { dtype: 'F32', data_offsets: [0, 8] } }, eight, /"a" lacks a shape/],
    ['has a negative shape', { a: { ...f32(0, 8), shape: [-2] } }, eight, /"a" lacks a shape/],
    ['has numbers as metadata', { __metadata__: { a: 1 } }, new Uint8Array(0), /metadata/],
  ])('is refused by name: its header %s', async (name, header, data, message) => {
    const path = fileWith(`${name.replaceAll(' ', '-')}.safetensors`, header, data);
    const reading = readSafetensors(path);
    await expect(reading).rejects.toThrow(message);
    await expect(reading).rejects.toMatchObject({
      code: 'data_invalid',
      message: expect.stringContaining(path),
    });
  });

  it('is refused where it is shorter than its header', async () => {
    const path = fileWith('short.safetensors', {});
    writeFileSync(path, Buffer.from([255, 0, 0, 0, 0, 0, 0, 0, 1]));
    await expect(readSafetensors(path)).rejects.toThrow(/header would be 255 bytes/);
    writeFileSync(path, Buffer.from([1, 2]));
    await expect(readSafetensors(path)).rejects.toThrow(/too short/);
  });

  it('that does not exist is file_missing', async () => {
    const reading = readSafetensors(`${temporary.path}/none.safetensors`);
    await expect(reading).rejects.toMatchObject({ code: 'file_missing' });
  });
});
