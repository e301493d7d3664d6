import {
  cpSync,
  linkSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from '@jest/globals';
import { type Manifest, readBundle } from '../../../src/bundle/index.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';
import { writeTinyBundle } from '../../support/tiny-bundle.ts';

const folder = temporaryFolder();
const intact = join(folder.path, 'intact');
const another = join(folder.path, 'another');
let manifest: Manifest;

/** Every file that a bundle can have, and one that nothing reads. */
const files = [
  'config.json',
  'tokenizer.json',
  'tokenizer_config.json',
  'README.md',
  'onnx/model.onnx',
  'onnx/model_quantized.onnx',
  'onnx/model_fp16.onnx',
  'onnx/explain.onnx',
  'notes/licence.txt',
];

beforeAll(async () => {
  /** A model that says who made it, and nothing else. */
  const model = (text: string) => {
    const producer = Buffer.from(text.repeat(15));
    return Buffer.concat([Buffer.of(0x12, producer.length), producer]);
  };
  manifest = await writeTinyBundle(
    intact,
    {},
    {
      'onnx/model_quantized.onnx': model('int8'),
      'onnx/model_fp16.onnx': model('fp16'),
      'onnx/explain.onnx': model('explain'),
      'notes/licence.txt': Buffer.from('licence'),
    },
  );
  writeFileSync(another, 'something else');
});

function flip(path: string, at: (length: number) => number): void {
  const bytes = readFileSync(path);
  const i = at(bytes.length);
  bytes[i] = (bytes[i] ?? 0) ^ 1;
  writeFileSync(path, bytes);
}

/** What befalls a file, and what the message says of it besides its name. */
const damages: readonly (readonly [string, (path: string) => void, RegExp])[] = [
  [
    'has another first bit',
    (path) => flip(path, () => 0),
    /sha256 [0-9a-f]{64}, expected [0-9a-f]{64}$/,
  ],
  ['has another bit in the middle', (path) => flip(path, (n) => n >> 1), /sha256 .*, expected /],
  ['has another last bit', (path) => flip(path, (n) => n - 1), /sha256 .*, expected /],
  [
    'lacks its last byte',
    (path) => writeFileSync(path, readFileSync(path).subarray(0, -1)),
    /size \d+, expected \d+$/,
  ],
  ['is empty', (path) => writeFileSync(path, ''), /size 0, expected \d+$/],
  [
    'has a byte more',
    (path) => writeFileSync(path, `${readFileSync(path, 'latin1')}\n`, 'latin1'),
    /size/,
  ],
  ['is gone', (path) => rmSync(path), /the file is missing$/],
  [
    'is a folder',
    (path) => {
      rmSync(path);
      mkdirSync(path);
    },
    /it is not a file$/,
  ],
  [
    'is a link to another file',
    (path) => {
      rmSync(path);
      symlinkSync(another, path);
    },
    /size 14, expected \d+$/,
  ],
  [
    'is a link to nothing',
    (path) => {
      rmSync(path);
      symlinkSync(join(folder.path, 'nothing'), path);
    },
    /the file is missing$/,
  ],
];

/** A copy of the bundle, to be damaged. */
function copied(): string {
  const dir = join(folder.path, 'damaged');
  rmSync(dir, { recursive: true, force: true });
  cpSync(intact, dir, { recursive: true });
  return dir;
}

describe('a bundle', () => {
  it('names every file that it consists of but the manifest', () => {
    const found = readdirSync(intact, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map(({ parentPath, name }) => join(parentPath, name).slice(intact.length + 1));
    expect(Object.keys(manifest.files).sort()).toEqual([...files].sort());
    expect(found.sort()).toEqual([...files, 'manifest.json'].sort());
  });

  it.each(files)('is refused by the name of %s, however that is damaged', async (file) => {
    const dir = copied();
    const path = join(dir, file);
    for (const [what, damage, said] of damages) {
      rmSync(path, { recursive: true, force: true });
      cpSync(join(intact, file), path);
      damage(path);
      const error = await readBundle(dir).catch((thrown: unknown) => thrown);
      expect([what, error]).toEqual([what, expect.objectContaining({ code: 'bundle_invalid' })]);
      const { message } = error as Error;
      expect(message.startsWith(`${file} does not match the manifest of ${dir}: `)).toBe(true);
      expect([what, message]).toEqual([what, expect.stringMatching(said)]);
    }
  });

  it.each(files)('is refused where %s has the right hash and another size', async (file) => {
    const dir = copied();
    for (const change of [-1, 1]) {
      const { sha256 = '', size = 0 } = manifest.files[file] ?? {};
      const entry = { sha256, size: size + change };
      const changed = { ...manifest, files: { ...manifest.files, [file]: entry } };
      writeFileSync(join(dir, 'manifest.json'), JSON.stringify(changed));
      await expect(readBundle(dir)).rejects.toThrow(
        `${file} does not match the manifest of ${dir}: size ${size}, expected ${size + change}`,
      );
    }
  });

  it('has a manifest of 16 MiB at most', async () => {
    const dir = copied();
    // What is read is refused for its contents; parsing so much JSON would take seconds.
    const refusalOf = (bytes: number) => {
      writeFileSync(join(dir, 'manifest.json'), Buffer.alloc(bytes, 0xff));
      return readBundle(dir).catch(({ message }) => message);
    };
    expect(await refusalOf(2 ** 24)).toMatch(/manifest\.json is (?!.*bytes: expected)/);
    expect(await refusalOf(2 ** 24 + 1)).toMatch(/manifest\.json has 16777217 bytes: expected/);
  });

  it('is refused where two files have changed places', async () => {
    const dir = copied();
    const [a, b, aside] = ['onnx/model.onnx', 'onnx/explain.onnx', 'x'].map((f) => join(dir, f));
    renameSync(a ?? '', aside ?? '');
    renameSync(b ?? '', a ?? '');
    renameSync(aside ?? '', b ?? '');
    await expect(readBundle(dir)).rejects.toThrow(/^onnx\/(model|explain)\.onnx does not match/);
  });

  it('is read where its files are links to the right contents, as in the cache of a hub', async () => {
    const dir = copied();
    for (const [i, file] of files.entries()) {
      const path = join(dir, file);
      rmSync(path);
      if (i % 2 === 0) symlinkSync(join(intact, file), path);
      else linkSync(join(intact, file), path);
    }
    expect((await readBundle(dir)).manifest).toEqual(manifest);
  });
});
