import { execFileSync } from 'node:child_process';
import {
  appendFileSync,
  cpSync,
  mkdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from '@jest/globals';
import { type Manifest, readBundle, selectModel } from '../../../src/bundle/index.ts';
import { AppError } from '../../../src/errors.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';
import { writeTinyBundle } from '../../support/tiny-bundle.ts';

const folder = temporaryFolder();
const intact = join(folder.path, 'intact');

beforeAll(() => writeTinyBundle(intact));

/** A copy of the bundle with something changed. */
function changed(name: string, change: (dir: string) => void): string {
  const dir = join(folder.path, name.replace(/\W+/g, '-'));
  cpSync(intact, dir, { recursive: true });
  change(dir);
  return dir;
}

function editManifest(edit: (manifest: Record<string, unknown>) => void): (dir: string) => void {
  return (dir) => {
    const file = join(dir, 'manifest.json');
    const manifest = JSON.parse(readFileSync(file, 'utf8'));
    edit(manifest);
    writeFileSync(file, JSON.stringify(manifest));
  };
}

async function refusal(dir: string): Promise<AppError> {
  const error = await readBundle(dir).then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  expect(error).toBeInstanceOf(AppError);
  return error as AppError;
}

const flipBit = (dir: string) => {
  const file = join(dir, 'onnx/model.onnx');
  const bytes = readFileSync(file);
  bytes[bytes.length >> 1]! ^= 1;
  writeFileSync(file, bytes);
};

/** Sets a value deep inside of an object. */
function put(
  object: Record<string, unknown>,
  [key = '', ...inner]: readonly string[],
  value: unknown,
) {
  if (inner.length === 0) object[key] = value;
  else put(object[key] as Record<string, unknown>, inner, value);
}

/** What was done to the bundle, the code, and what the message has to name. */
const damages: [string, (dir: string) => void, string, RegExp[]][] = [
  [
    'the manifest is gone',
    (dir) => rmSync(join(dir, 'manifest.json')),
    'bundle_missing',
    [/manifest\.json/],
  ],
  [
    'the reference has as many shares as edges',
    editManifest((manifest) => {
      const tone = { edges: [0.5], shares: [1] };
      manifest.reference = { texts: 9, features: { tone } };
    }),
    'bundle_invalid',
    [/reference is .*expected texts and, for each feature, ascending edges/],
  ],
  [
    'the least length of a text is none',
    editManifest((manifest) => {
      manifest.task = { ...Object(manifest.task), min_length: 0 };
    }),
    'bundle_invalid',
    [/task\.min_length is 0: expected an integer of at least 1/],
  ],
  [
    'the manifest is cut',
    (dir) => truncateSync(join(dir, 'manifest.json'), 20),
    'bundle_invalid',
    [/manifest\.json/, /not JSON/],
  ],
  [
    'the manifest is a list',
    (dir) => writeFileSync(join(dir, 'manifest.json'), '[]'),
    'bundle_invalid',
    [/object/],
  ],
  [
    'another format version',
    editManifest((m) => {
      m.format_version = 2;
    }),
    'bundle_invalid',
    [/format_version is 2/, /expected 1/],
  ],
  [
    'no format version',
    editManifest((m) => {
      delete m.format_version;
    }),
    'bundle_invalid',
    [/format_version/],
  ],
  [
    'no files',
    editManifest((m) => {
      delete m.files;
    }),
    'bundle_invalid',
    [/files is missing/],
  ],
  [
    'files without the graph',
    editManifest((m) => {
      delete (m.files as Record<string, unknown>)['onnx/model.onnx'];
    }),
    'bundle_invalid',
    [/onnx\/model\.onnx/],
  ],
  [
    'a path that leaves the folder',
    editManifest((m) => {
      (m.files as Record<string, unknown>)['../secret'] = { sha256: '0'.repeat(64), size: 1 };
    }),
    'bundle_invalid',
    [/\.\.\/secret/, /inside/],
  ],
  [
    'an absolute path',
    editManifest((m) => {
      (m.files as Record<string, unknown>)['/etc/passwd'] = { sha256: '0'.repeat(64), size: 1 };
    }),
    'bundle_invalid',
    [/\/etc\/passwd/, /inside/],
  ],
  [
    'a hash that is none',
    editManifest((m) => {
      (m.files as Record<string, { sha256: string }>)['config.json']!.sha256 = 'abc';
    }),
    'bundle_invalid',
    [/config\.json/, /64/],
  ],
  [
    'an axis with one label',
    editManifest((m) => {
      m.task = {
        ...(m.task as object),
        axes: [{ name: 'a', labels: ['x'], threshold: 0.5, temperature: 1 }],
      };
    }),
    'bundle_invalid',
    [/task\.axes\[0\]\.labels/],
  ],
  [
    'an axis with the same label twice',
    editManifest((m) => {
      const axis = { name: 'a', labels: ['x', 'x'], threshold: 0.5, temperature: 1 };
      m.task = { ...(m.task as object), axes: [axis] };
    }),
    'bundle_invalid',
    [/task\.axes\[0\]\.labels is \["x","x"\]: expected two different labels/],
  ],
  [
    'two axes of one name',
    editManifest((m) => {
      const axis = { name: 'a', labels: ['x', 'y'], threshold: 0.5, temperature: 1 };
      m.task = { ...(m.task as object), axes: [axis, axis] };
    }),
    'bundle_invalid',
    [/task\.axes: two axes are called "a"$/],
  ],
  [
    'a temperature of 0',
    editManifest((m) => {
      m.task = {
        ...(m.task as object),
        axes: [{ name: 'a', labels: ['x', 'y'], threshold: 0.5, temperature: 0 }],
      };
    }),
    'bundle_invalid',
    [/temperature is 0/],
  ],
  ...(
    [
      [
        'the name begins a line of its own',
        ['name'],
        'a\nerror: b',
        /name is "a\\nerror: b": expected a string of 1 to 1000 characters that can all be seen/,
      ],
      ['the version acts on a terminal', ['version'], '\u001b[31m1', /version is "\\u001b\[31m1"/],
      [
        'the name of the task hides what it says',
        ['task', 'name'],
        'a\u202eb',
        /task\.name is "a\\u202eb"/,
      ],
      [
        'a label is 10 MB long',
        ['task', 'axes', '0', 'labels', '0'],
        'x'.repeat(1e7),
        /axes\[0\]\.labels is .{1,80}: expected two different labels/,
      ],
      ['a label is no key', ['task', 'axes', '0', 'labels', '0'], '__proto__', /axes\[0\]\.labels/],
      [
        'a threshold is no number that JSON has',
        ['task', 'axes', '0', 'threshold'],
        '0.5',
        /threshold is "0\.5": expected a number/,
      ],
      [
        'a temperature is not known',
        ['task', 'axes', '0', 'temperature'],
        null,
        /temperature is null: expected a number above 0/,
      ],
      [
        'there are a hundred thousand axes',
        ['task', 'axes'],
        new Array(1e5).fill(0),
        /task\.axes is \[0,0,.*: expected a list of 1 to 1000 axes/,
      ],
      [
        'a window has 1e9 tokens',
        ['max_length'],
        1e9,
        /max_length is 1000000000: expected an integer from 3 to 32768/,
      ],
      ['a window has 1e15 tokens', ['max_length'], 1e15, /max_length/],
      ['a hash is upper case', ['files', 'config.json', 'sha256'], 'A'.repeat(64), /64 lower-case/],
      ['a size is negative', ['files', 'config.json', 'size'], -1, /expected a number of bytes/],
      [
        'a path has a zero',
        ['files', 'a\0b'],
        {},
        /files names "a\\u0000b": expected a path inside/,
      ],
      [
        'the metrics are words',
        ['metrics'],
        { test: { axes: { a: { accuracy: 'high' } }, average: {} } },
        /metrics is .*: expected numbers by axis/,
      ],
      ['a scheme is no word', ['metrics'], { int8: { scheme: {}, size_ratio: 1 } }, /metrics is/],
      ['a baseline is none', ['baselines'], { majority: null }, /baselines is/],
      ['a package has no version', ['packages'], { a: 1 }, /packages is/],
      [
        'a feature has too many bins',
        ['reference'],
        {
          texts: 1,
          features: {
            a: {
              edges: Array.from({ length: 1001 }, (_, i) => i),
              shares: new Array(1002).fill(0),
            },
          },
        },
        /reference is/,
      ],
    ] as const
  ).map(([what, path, value, message]): (typeof damages)[number] => [
    what,
    editManifest((manifest) => put(manifest, path, value)),
    'bundle_invalid',
    [message],
  ]),
  [
    'everything is wrong',
    editManifest((m) => {
      const axis = { name: '', labels: [], threshold: 2, temperature: 0 };
      m.task = { ...(m.task as object), axes: new Array(500).fill(axis) };
    }),
    'bundle_invalid',
    [/; and \d+ more$/],
  ],
  [
    'the graph is gone',
    (dir) => rmSync(join(dir, 'onnx/model.onnx')),
    'bundle_invalid',
    [/onnx\/model\.onnx/, /missing/],
  ],
  [
    'the graph is cut in half',
    (dir) => truncateSync(join(dir, 'onnx/model.onnx'), 1000),
    'bundle_invalid',
    [/onnx\/model\.onnx does not match/, /size 1000, expected \d+/],
  ],
  [
    'one bit of the graph is changed',
    flipBit,
    'bundle_invalid',
    [/onnx\/model\.onnx does not match/, /sha256 [0-9a-f]{64}, expected [0-9a-f]{64}/],
  ],
  [
    'the tokenizer is longer',
    (dir) => appendFileSync(join(dir, 'tokenizer.json'), ' '),
    'bundle_invalid',
    [/tokenizer\.json/, /size/],
  ],
  [
    'the special tokens are in a file that is not listed',
    (dir) => writeFileSync(join(dir, 'special_tokens_map.json'), '{}'),
    'bundle_invalid',
    [/has a special_tokens_map\.json that its manifest does not list/],
  ],
  ...['manifest.json', 'tokenizer.json', 'onnx/model.onnx'].map(
    (file): (typeof damages)[number] => [
      `${file} is a pipe that nobody writes to`,
      (dir) => {
        rmSync(join(dir, file));
        execFileSync('mkfifo', [join(dir, file)]);
      },
      'bundle_invalid',
      [/not a file|device or pipe/],
    ],
  ),
  [
    'a file is a link to a device',
    (dir) => {
      rmSync(join(dir, 'README.md'));
      symlinkSync('/dev/zero', join(dir, 'README.md'));
    },
    'bundle_invalid',
    [/README\.md.*not a file/],
  ],
  [
    'a file is a folder',
    (dir) => {
      rmSync(join(dir, 'README.md'));
      mkdirSync(join(dir, 'README.md'));
    },
    'bundle_invalid',
    [/README\.md/, /not a file/],
  ],
];

describe('readBundle', () => {
  it('opens an intact bundle, whatever else lies in its folder', async () => {
    const dir = changed('extra', (at) => writeFileSync(join(at, 'notes.txt'), 'mine'));
    const bundle = await readBundle(dir);
    expect(bundle.dir).toBe(dir);
    expect(bundle.manifest.task.axes.map(({ name }) => name)).toEqual(['E/I', 'S/N', 'T/F', 'J/P']);
  });

  it('refuses a folder that does not exist', async () => {
    const error = await refusal(join(folder.path, 'nowhere'));
    expect([error.code, error.exitCode]).toEqual(['bundle_missing', 3]);
    expect(error.message).toContain('nowhere');
  });

  it('refuses a file in place of the folder', async () => {
    const error = await refusal(folder.write('a-file', 'bundle'));
    expect([error.code, error.exitCode]).toEqual(['bundle_missing', 3]);
    expect(error.message).toMatch(/a-file is no folder$/);
    expect((await refusal(join(folder.path, 'nowhere'))).message).toMatch(
      /nowhere does not exist$/,
    );
  });

  it('takes the least and the greatest values that a manifest may have', async () => {
    const empty = {
      size: 0,
      sha256: 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855',
    };
    const edit = editManifest((m) => {
      Object.assign(m.files as object, { 'notes.txt': empty });
      const axis = { labels: ['x', 'y'], temperature: Number.MIN_VALUE };
      const axes = [0, 1].map((threshold) => ({ ...axis, name: `a${threshold}`, threshold }));
      Object.assign(m, { max_length: 3, task: { ...(m.task as object), axes, min_length: 1 } });
    });
    const dir = changed('least', (at) => {
      writeFileSync(join(at, 'notes.txt'), '');
      edit(at);
    });
    const { manifest } = await readBundle(dir);
    expect([manifest.max_length, manifest.files['notes.txt']]).toEqual([3, empty]);
  });

  it.each<[string, object, RegExp]>([
    [
      'a window of 2 tokens',
      { max_length: 2 },
      /max_length is 2: expected an integer from 3 to 32768/,
    ],
    ['a window of 3.5 tokens', { max_length: 3.5 }, /max_length is 3\.5/],
  ])('refuses a manifest of %s', async (name, change, message) => {
    const error = await refusal(
      changed(
        name,
        editManifest((m) => Object.assign(m, change)),
      ),
    );
    expect(error.message).toMatch(message);
  });

  it.each<[string, object, RegExp]>([
    ['threshold', { threshold: -0.001 }, /threshold is -0\.001: expected a number from 0 to 1/],
    ['threshold', { threshold: 1.001 }, /threshold is 1\.001/],
    ['temperature', { temperature: -1 }, /temperature is -1: expected a number above 0/],
    ['name', { name: '' }, /name is ""/],
    ['labels', { labels: ['x', ''] }, /labels is \["x",""\]/],
    ['labels', { labels: ['x', 'y', 'z'] }, /labels is \["x","y","z"\]/],
  ])('refuses an axis by its %s: %j', async (_name, change, message) => {
    const edit = editManifest((m) => {
      const axis = { name: 'a', labels: ['x', 'y'], threshold: 0.5, temperature: 1, ...change };
      m.task = { ...(m.task as object), axes: [axis] };
    });
    const error = await refusal(changed(`axis ${JSON.stringify(change)}`, edit));
    expect(error.message).toMatch(message);
  });

  it.each(damages)('refuses a bundle of which %s', async (name, damage, code, patterns) => {
    const error = await refusal(changed(name, damage));
    expect(error.code).toBe(code);
    for (const pattern of patterns) expect(error.message).toMatch(pattern);
  });

  it('names everything that is wrong with a manifest at once', async () => {
    const edit = editManifest((m) => {
      m.max_length = 'long';
      m.name = '';
    });
    const { message } = await refusal(changed('two', edit));
    expect(message).toMatch(/name is "".*max_length is "long"/);
  });
});

describe('selectModel', () => {
  const bundleWith = (...paths: string[]) => ({
    dir: '/bundle',
    manifest: {
      name: 'm',
      files: Object.fromEntries(paths.map((p) => [p, {}])),
    } as unknown as Manifest,
  });

  it('takes int8 for auto where there is one, else fp32', () => {
    const both = bundleWith('onnx/model.onnx', 'onnx/model_quantized.onnx');
    expect(selectModel(both, 'auto')).toEqual({
      precision: 'int8',
      file: 'onnx/model_quantized.onnx',
      path: '/bundle/onnx/model_quantized.onnx',
    });
    expect(selectModel(bundleWith('onnx/model.onnx'), 'auto').precision).toBe('fp32');
    expect(selectModel(both, 'fp32').precision).toBe('fp32');
  });

  it('takes no int8 for auto on a device that has no kernels for it', () => {
    const both = bundleWith('onnx/model.onnx', 'onnx/model_quantized.onnx');
    expect(selectModel(both, 'auto', 'cuda').precision).toBe('fp32');
    expect(selectModel(both, 'auto', 'auto').precision).toBe('int8');
  });

  it('takes float16 for auto on a GPU where there is one, and on a CPU only when it is asked for', () => {
    const all = bundleWith('onnx/model.onnx', 'onnx/model_quantized.onnx', 'onnx/model_fp16.onnx');
    expect(selectModel(all, 'auto', 'cuda').file).toBe('onnx/model_fp16.onnx');
    expect(selectModel(all, 'auto', 'cpu').precision).toBe('int8');
    expect(selectModel(all, 'fp16', 'cpu').precision).toBe('fp16');
    const noInt8 = bundleWith('onnx/model.onnx', 'onnx/model_fp16.onnx');
    expect(selectModel(noInt8, 'auto', 'cpu').precision).toBe('fp32');
  });

  it('says what to do where the float16 model that is asked for is not there', () => {
    expect(() => selectModel(bundleWith('onnx/model.onnx'), 'fp16', 'cuda')).toThrow(
      expect.objectContaining({
        code: 'bundle_invalid',
        message: expect.stringMatching(/no fp16 model: expected onnx\/model_fp16\.onnx/),
        hint: expect.stringMatching(/runtime\.precision=auto .*quantize\.fp16=yes/),
      }),
    );
  });

  it('refuses a precision that the bundle does not hold', () => {
    expect(() => selectModel(bundleWith('onnx/model.onnx'), 'int8')).toThrow(
      /no int8 model.*model_quantized/,
    );
  });
});
