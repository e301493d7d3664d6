import { mkdirSync, readdirSync, readFileSync, truncateSync, writeFileSync } from 'node:fs';
import { create, toBinary } from '@bufbuild/protobuf';
import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { AppError } from '../../../../src/errors.ts';
import { decodeModel, readModel, writeModel } from '../../../../training/onnx/codec/index.ts';
import { Graph } from '../../../../training/onnx/graph.ts';
import {
  TensorProto_DataLocation as Location,
  ModelProtoSchema,
} from '../../../../training/onnx/proto/onnx_pb.ts';
import { temporaryFolder } from '../../../support/temporary-folder.ts';

const folder = new URL('../../../fixtures/', import.meta.url).pathname;
const temporary = temporaryFolder();

const errorOf = async (promise: Promise<unknown>): Promise<AppError> => {
  const error = await promise.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(AppError);
  return error as AppError;
};

describe('a file that is no model', () => {
  it.each([
    ['an empty file', '', /empty/],
    [
      'a Git LFS pointer',
      'version https://git-lfs.github.com/spec/v1\noid sha256:ab\n',
      /Git LFS pointer/,
    ],
    ['a web page', '<!DOCTYPE html><html></html>', /web page/],
    // Not the name of the file, which has the word too.
    ['JSON', '{"model_type":"distilbert"}', /no ONNX model but JSON/],
    ['a PyTorch checkpoint', 'PK\u0003\u0004rest', /ZIP archive/],
    ['text', 'hello world, this is not a model', /no .*ONNX model/],
    ['zeros', '\0\0\0\0\0\0\0\0', /no .*ONNX model/],
  ])('is refused by name: %s', async (name, content, message) => {
    const path = temporary.write(`${name.replaceAll(' ', '-')}.onnx`, content);
    const error = await errorOf(readModel(path));
    expect(error.code).toBe('model_invalid');
    expect(error.message).toContain(path);
    expect(error.message).toMatch(message);
    expect(error.hint).toBeDefined();
  });

  it('of more than 2 GB is refused before it is read', async () => {
    const path = temporary.write('large.onnx', '');
    // A hole: it takes no room on the disk.
    truncateSync(path, 2 ** 31);
    const error = await errorOf(readModel(path));
    expect([error.code, error.message]).toEqual([
      'model_invalid',
      `${path} is larger than 2 GB, which an ONNX file cannot be`,
    ]);
    expect(error.hint).toContain('external data');
  });

  it('that does not exist is file_missing', async () => {
    const error = await errorOf(readModel(`${temporary.path}/none.onnx`));
    expect([error.code, error.message]).toEqual([
      'file_missing',
      expect.stringContaining(`${temporary.path}/none.onnx`),
    ]);
  });

  it('but a folder is file_missing', async () => {
    expect((await errorOf(readModel(temporary.path))).code).toBe('file_missing');
  });
});

describe('a damaged model', () => {
  const whole = new Uint8Array(readFileSync(`${folder}ops/layer_norm_decomposed.onnx`));

  it('cut off anywhere is an AppError or still a model, never another error', () => {
    for (let length = 0; length < whole.length; length++) {
      try {
        decodeModel(whole.slice(0, length));
      } catch (error) {
        expect(error).toBeInstanceOf(AppError);
      }
    }
  });

  it('with changed bytes is an AppError or still a model, never another error', () => {
    const change = fc.tuple(fc.nat(whole.length - 1), fc.nat(255));
    fc.assert(
      fc.property(fc.array(change, { minLength: 1, maxLength: 5 }), (changes) => {
        const bytes = whole.slice();
        for (const [at, byte] of changes) bytes[at] = byte;
        try {
          decodeModel(bytes);
        } catch (error) {
          expect(error).toBeInstanceOf(AppError);
        }
      }),
      { numRuns: 500 },
    );
  });

  it('cut off in the middle of its weights is refused', async () => {
    const bytes = readFileSync(`${folder}graphs/distilbert-fresh/legacy-op17-sdpa-head.onnx`);
    const path = `${temporary.path}/cut.onnx`;
    writeFileSync(path, bytes.subarray(0, bytes.length / 2));
    const error = await errorOf(readModel(path));
    expect(error.message).toContain(`${path}: this is no complete ONNX model`);
  });
});

describe('external data', () => {
  /** A model whose one weight, float32 [4], lies at a place. */
  function modelAt(name: string, place: Record<string, string>): string {
    const path = `${temporary.path}/${name}`;
    const externalData = Object.entries(place).map(([key, value]) => ({ key, value }));
    const weight = {
      name: 'w',
      dataType: 1,
      dims: [4n],
      dataLocation: Location.EXTERNAL,
      externalData,
    };
    const model = create(ModelProtoSchema, {
      irVersion: 8n,
      opsetImport: [{ version: 17n }],
      graph: { name: 'g', initializer: [weight], output: [{ name: 'w' }] },
    });
    writeFileSync(path, toBinary(ModelProtoSchema, model));
    return path;
  }

  it('that is missing names the file', async () => {
    const error = await errorOf(readModel(modelAt('missing.onnx', { location: 'missing.bin' })));
    expect(error.code).toBe('file_missing');
    expect(error.message).toContain(`${temporary.path}/missing.bin`);
    expect(error.message).toContain('missing.onnx');
  });

  it.each(['../outside.bin', '/etc/hostname', 'a/../../outside.bin', '', '.'])(
    'outside the model’s folder is refused: "%s"',
    async (location) => {
      writeFileSync(`${temporary.path}/outside.bin`, new Uint8Array(16));
      mkdirSync(`${temporary.path}/inner`, { recursive: true });
      const error = await errorOf(readModel(modelAt('inner/model.onnx', { location })));
      expect(error.code).toBe('model_invalid');
      expect(error.message).toMatch(/tensor "w" refers to .* must lie in the model's folder/);
    },
  );

  it.each([
    [{ offset: '8' }, /"w" lies at 8 to 24 of .*short\.bin, which has only 16 bytes/],
    [{ offset: '0', length: '12' }, /"w".*must have 16 bytes but has 12/],
    [{ offset: '-4' }, /offset of tensor "w" is "-4"/],
    [{ length: 'many' }, /length of tensor "w" is "many"/],
  ])('at an impossible place is refused: %j', async (place, message) => {
    writeFileSync(`${temporary.path}/short.bin`, new Uint8Array(16));
    const path = modelAt('place.onnx', { location: 'short.bin', ...(place as object) });
    const error = await errorOf(readModel(path));
    expect(error.code).toBe('model_invalid');
    expect(error.message).toMatch(message);
  });

  describe('of many tensors', () => {
    /** Tensors of float32 [4] in a file, each at an offset. */
    function modelOf(name: string, offsets: readonly number[]): string {
      const initializer = offsets.map((offset, i) => ({
        name: `w${i}`,
        dataType: 1,
        dims: [4n],
        dataLocation: Location.EXTERNAL,
        externalData: [
          { key: 'location', value: 'many.bin' },
          { key: 'offset', value: String(offset) },
        ],
      }));
      const model = create(ModelProtoSchema, {
        irVersion: 8n,
        opsetImport: [{ version: 17n }],
        graph: { name: 'g', initializer, output: [{ name: 'w0' }] },
      });
      const path = `${temporary.path}/${name}`;
      writeFileSync(path, toBinary(ModelProtoSchema, model));
      return path;
    }
    const bytes = new Uint8Array(Float32Array.from({ length: 16 }, (_, i) => i).buffer);

    it('that lie over one another is read once, and each has its own numbers', async () => {
      writeFileSync(`${temporary.path}/many.bin`, bytes);
      const { graph } = await readModel(modelOf('overlapping.onnx', [8, 0, 8, 48, 4]));
      const numbers = ['w0', 'w1', 'w2', 'w3', 'w4'].map((name) => {
        const { bytes: found } = graph.find(name)!.initializer!;
        return [...new Float32Array(found.slice().buffer)];
      });
      expect(numbers).toEqual([
        [2, 3, 4, 5],
        [0, 1, 2, 3],
        [2, 3, 4, 5],
        [12, 13, 14, 15],
        [1, 2, 3, 4],
      ]);
      const [a, b] = ['w0', 'w2'].map((name) => graph.find(name)!.initializer!.bytes);
      expect(a?.buffer).toBe(b?.buffer);
    });

    it('that would be more than four times their file is refused', async () => {
      writeFileSync(`${temporary.path}/many.bin`, bytes);
      const error = await errorOf(readModel(modelOf('copies.onnx', Array(17).fill(0))));
      expect(error.code).toBe('model_invalid');
      expect(error.message).toMatch(
        /lie over one another: they have 272 bytes, the file 64; at most 4 times/,
      );
    });

    it('in tens of thousands is read', async () => {
      const offsets = Array.from({ length: 20_000 }, (_, i) => 16 * i);
      writeFileSync(`${temporary.path}/many.bin`, new Uint8Array(16 * offsets.length));
      const { graph } = await readModel(modelOf('many.onnx', offsets));
      expect(graph.initializers).toHaveLength(20_000);
    });
  });

  it('in a folder below is read, from its offset', async () => {
    const numbers = Float32Array.of(9, 1, 2, 3, 4);
    mkdirSync(`${temporary.path}/weights`, { recursive: true });
    writeFileSync(`${temporary.path}/weights/w.bin`, new Uint8Array(numbers.buffer));
    const path = modelAt('below.onnx', { location: 'weights/w.bin', offset: '4' });
    const { graph } = await readModel(path);
    const { bytes } = graph.find('w')!.initializer!;
    expect([...new Float32Array(bytes.buffer, bytes.byteOffset, 4)]).toEqual([1, 2, 3, 4]);
  });

  it('is not looked for when only bytes are given', () => {
    const bytes = new Uint8Array(readFileSync(modelAt('bytes.onnx', { location: 'w.bin' })));
    expect(() => decodeModel(bytes, { file: 'bytes.onnx' })).toThrow(
      /bytes\.onnx: initializer "w" lies in another file, "w\.bin"/,
    );
  });
});

describe('writing', () => {
  it('to a folder that does not exist names the folder', async () => {
    const graph = new Graph('g');
    const model = {
      graph,
      irVersion: 8,
      producerName: '',
      producerVersion: '',
      metadata: new Map(),
    };
    const error = await errorOf(writeModel(model, `${temporary.path}/nowhere/model.onnx`));
    expect(error.code).toBe('write_failed');
    expect(error.message).toContain(`${temporary.path}/nowhere/model.onnx cannot be written`);
    expect(error.hint).toContain('make the folder first');
  });

  it('leaves nothing behind when it fails', async () => {
    const target = `${temporary.path}/target`;
    mkdirSync(`${target}/model.onnx`, { recursive: true });
    const model = {
      graph: new Graph('g'),
      irVersion: 8,
      producerName: '',
      producerVersion: '',
      metadata: new Map(),
    };
    await expect(writeModel(model, `${target}/model.onnx`)).rejects.toThrow();
    expect(readdirSync(target)).toEqual(['model.onnx']);
  });
});
