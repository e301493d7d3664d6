import { readdirSync, readFileSync, truncateSync, writeFileSync } from 'node:fs';
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

it('reads names that are keys of the language, and tensors without elements of any shape', async () => {
  const names = ['__proto__', 'constructor', 'toString', 'hasOwnProperty', ''];
  const entry = { dtype: 'F32', shape: [2 ** 50, 0, 2 ** 50], data_offsets: [0, 0] };
  const json = names.map((name) => `${JSON.stringify(name)}:${JSON.stringify(entry)}`).join(',');
  const metadata = '"__metadata__":{"__proto__":"text","toString":"text"}';
  const read = await readSafetensors(fileWith('names.safetensors', `{${metadata},${json}}`));
  expect([...read.tensors.keys()]).toEqual(names);
  expect(Object.keys(read.metadata)).toEqual(['__proto__', 'toString']);
});

it('reads a hundred thousand tensors', async () => {
  const count = 100_000;
  const entries = Array.from({ length: count }, (_, i) => [
    `t${i}`,
    { dtype: 'U8', shape: [1], data_offsets: [i, i + 1] },
  ]);
  const path = fileWith('many.safetensors', Object.fromEntries(entries), new Uint8Array(count));
  expect((await readSafetensors(path)).tensors.size).toBe(count);
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
    ['has a list as metadata', { __metadata__: [] }, new Uint8Array(0), /metadata/],
    ['has null as metadata', { __metadata__: null }, new Uint8Array(0), /metadata/],
    ['has a nested metadata', { __metadata__: { a: {} } }, new Uint8Array(0), /metadata/],
    [
      'has a name twice',
      '{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},"a" :{"dtype":"F32","shape":[1],"data_offsets":[4,8]}}',
      eight,
      /has the key "a" twice/,
    ],
    [
      'has a shape twice',
      '{"a":{"dtype":"F32","shape":[1],"shape":[2],"data_offsets":[0,8]}}',
      eight,
      /has the key "shape" twice/,
    ],
    ['has metadata twice', '{"__metadata__":{},"__metadata__":{}}', new Uint8Array(0), /twice/],
    ['is no number', '1', eight, /no object/],
    ['is empty', '', eight, /not JSON/],
    ['has text behind it', '{} x', new Uint8Array(0), /not JSON/],
    ['is no UTF-8', Buffer.of(0x7b, 0xff, 0x7d).toString('latin1'), new Uint8Array(0), /not JSON/],
    ['holds NaN', '{"a":NaN}', eight, /not JSON: it holds NaN/],
    ['is nested', `{"a":${'['.repeat(10_000)}`, eight, /nested over 500 levels/],
    ['has half bytes', { a: { ...f32(0, 8), data_offsets: [0.5, 8.5] } }, eight, /its place/],
    ['has places before 0', { a: { ...f32(0, 8), data_offsets: [-8, 0] } }, eight, /its place/],
    ['has places as texts', { a: { ...f32(0, 8), data_offsets: ['0', '8'] } }, eight, /its place/],
    ['has three places', { a: { ...f32(0, 8), data_offsets: [0, 4, 8] } }, eight, /its place/],
    ['ends before it begins', { a: { ...f32(0, 8), data_offsets: [8, 0] } }, eight, /has -8/],
    ['has 2^53 bytes', { a: { ...f32(0, 8), data_offsets: [0, 2 ** 53] } }, eight, /its place/],
    [
      'has bytes that no file has',
      { a: { dtype: 'U8', shape: [2 ** 53 - 1], data_offsets: [0, 2 ** 53 - 1] } },
      eight,
      /reaches beyond the end/,
    ],
    [
      'has a product that wraps around',
      { a: { ...f32(0, 8), shape: [2 ** 32, 2 ** 32, 2] } },
      eight,
      /must have 147573952589676410000 bytes but has 8/,
    ],
    [
      'has a product that is no number',
      { a: { ...f32(0, 8), shape: new Array(30).fill(2 ** 50) } },
      eight,
      /must have Infinity bytes/,
    ],
    ['has half a dimension', { a: { ...f32(0, 8), shape: [0.5, 4] } }, eight, /lacks a shape/],
    ['has its entry as a text', { a: 'F32' }, eight, /unknown type undefined/],
    ['has no entry', { a: null }, eight, /unknown type undefined/],
    ['has a type of the language', { a: { ...f32(0, 8), dtype: 'constructor' } }, eight, /unknown/],
    [
      'has a type that acts on a terminal',
      { a: { ...f32(0, 8), dtype: '\u001b[31m\nerror: forged' } },
      eight,
      /unknown type "\\u001b\[31m\\nerror: forged"$/,
    ],
    [
      'has a name that acts on a terminal',
      { '\u001b[31m\nerror: forged': f32(4, 8) },
      eight,
      /tensor "\\u001b\[31m\\nerror: forged" leaves a hole before it$/,
    ],
    [
      'has a name of a megabyte',
      { ['n'.repeat(1e6)]: f32(4, 8) },
      eight,
      /tensor "n{160}…" leaves a hole before it$/,
    ],
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

  it('is refused where its header would be longer than any file', async () => {
    for (const length of [2n ** 63n, 2n ** 64n - 1n, 2n ** 53n, 100_000_001n, 3n]) {
      const bytes = Buffer.alloc(10);
      bytes.writeBigUInt64LE(length);
      const path = `${temporary.path}/long.safetensors`;
      writeFileSync(path, bytes);
      await expect(readSafetensors(path)).rejects.toMatchObject({
        code: 'data_invalid',
        message: expect.stringMatching(`its header would be ${Number(length)} bytes long`),
      });
    }
  });

  it('is refused where one tensor has more bytes than an array can', async () => {
    const size = 2 ** 43;
    const entry = { dtype: 'U8', shape: [size], data_offsets: [0, size] };
    const path = fileWith('sparse.safetensors', { a: entry });
    truncateSync(path, 8 + JSON.stringify({ a: entry }).length + size);
    await expect(readSafetensors(path)).rejects.toThrow(/tensor "a" has 8796093022208 bytes/);
  });

  it('is refused, and not waited for, where it is a folder', async () => {
    await expect(readSafetensors(temporary.path)).rejects.toMatchObject({ code: 'file_missing' });
  });

  it('that does not exist is file_missing', async () => {
    const reading = readSafetensors(`${temporary.path}/none.safetensors`);
    await expect(reading).rejects.toMatchObject({ code: 'file_missing' });
  });
});
