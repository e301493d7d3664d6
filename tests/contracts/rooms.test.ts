import { spawnSync } from 'node:child_process';
import {
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { beforeAll, describe, expect, it } from '@jest/globals';
import { packageRoot } from '../../src/package-root.ts';

/** The rooms that may import each dependency of package.json. */
const owners: Record<string, readonly string[]> = {
  '@bufbuild/protobuf': ['training/onnx'],
  '@huggingface/tokenizers': ['src/text'],
  '@opentelemetry/api': ['src/telemetry'],
  '@opentelemetry/exporter-trace-otlp-http': ['src/telemetry'],
  '@opentelemetry/resources': ['src/telemetry'],
  '@opentelemetry/sdk-trace-base': ['src/telemetry'],
  ajv: ['src/http'],
  convict: ['src/config'],
  express: ['src/http'],
  helmet: ['src/http'],
  'jsonc-parser': ['src/files'],
  'onnxruntime-node': ['src/engine', 'training/runtime'],
  'prom-client': ['src/telemetry'],
  winston: ['src/telemetry'],
  yargs: ['src/bin', 'training/bin'],
};

const sourceRooms = foldersOf('src');
const trainingRooms = foldersOf('training');
const packages = Object.keys(owners);
const rooms = [...sourceRooms, ...trainingRooms];
const everything = [...packages, ...rooms.map(pathTo), '../../src/errors.ts', 'node:fs/promises'];

/** What a room of training/ may import of src/ and of training/. */
const shared = ['text', 'task', 'bundle', 'config', 'telemetry', 'files'].map(
  (room) => `src/${room}`,
);
const reach: Record<string, readonly string[]> = {
  'training/onnx': ['training/onnx', 'src/files'],
  'training/autodiff': ['training/autodiff', 'training/onnx'],
};

function foldersOf(folder: string): string[] {
  return readdirSync(join(packageRoot, folder), { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map((entry) => `${folder}/${entry.name}`);
}

function pathTo(room: string): string {
  return `../../${room}/another-file.ts`;
}

function mayImport(room: string, other: string): boolean {
  if (room.startsWith('src/')) return other.startsWith('src/');
  return (reach[room] ?? [...shared, ...trainingRooms]).includes(other);
}

/** The file of each room that the linter is asked about, and what it tries to import. */
const attempts = new Map<string, readonly string[]>([
  ...rooms.map((room) => [`${room}/some-file.ts`, everything] as const),
  ['training/bin/deep/command.ts', ['../../src/bin/run-command.ts', '../../src/bin/mbti-serve.ts']],
  [
    'training/onnx/shapes/deep.ts',
    ['../../autodiff/rule.ts', '../../../src/errors.ts', '../graph.ts'],
  ],
  ['training/onnx/near.ts', ['../optim/adamw.ts', './graph.ts']],
  ['training/runtime/cpu/deep.ts', ['onnxruntime-node', 'express', 'yargs/helpers']],
  ['src/server.ts', ['./http/app.ts', '../training/data/split.ts', 'express']],
]);

let refused: Map<string, string[]>;

beforeAll(() => {
  const folder = mkdtempSync(join(tmpdir(), 'rooms-'));
  try {
    for (const [file, specifiers] of attempts) {
      mkdirSync(dirname(join(folder, file)), { recursive: true });
      writeFileSync(join(folder, file), specifiers.map((name) => `import '${name}';\n`).join(''));
    }
    copyFileSync(join(packageRoot, 'biome.json'), join(folder, 'biome.json'));
    refused = lint(folder);
  } finally {
    rmSync(folder, { recursive: true });
  }
});

/** Of each file, the specifiers that Biome refuses; it reports in no fixed order. */
function lint(folder: string): Map<string, string[]> {
  const { stdout, stderr } = spawnSync(
    process.execPath,
    [
      join(packageRoot, 'node_modules/@biomejs/biome/bin/biome'),
      ...['lint', '--only=style/noRestrictedImports', '--max-diagnostics=none'],
      ...['--vcs-enabled=false', '--colors=off', '.'],
    ],
    { cwd: folder, encoding: 'utf8' },
  );
  const refusals = new Map([...attempts.keys()].map((file) => [file, [] as string[]]));
  const places = `${stdout}${stderr}`.matchAll(
    /^(\S+\.ts):(\d+):\d+ lint\/style\/noRestrictedImports/gm,
  );
  for (const [, file = '', line] of places) {
    refusals.get(file)?.push(attempts.get(file)?.[Number(line) - 1] ?? 'unknown');
  }
  for (const refusedHere of refusals.values()) refusedHere.sort();
  return refusals;
}

describe('the room rules of the linter', () => {
  it('know every dependency of package.json', () => {
    const { dependencies } = JSON.parse(readFileSync(join(packageRoot, 'package.json'), 'utf8'));
    expect(Object.keys(owners).sort()).toEqual(Object.keys(dependencies).sort());
  });

  it.each(rooms)('hold in %s', (room) => {
    expect(refused.get(`${room}/some-file.ts`)).toEqual(
      [
        ...packages.filter((name) => !owners[name]?.includes(room)),
        ...rooms.filter((other) => !mayImport(room, other)).map(pathTo),
      ].sort(),
    );
  });

  it.each([
    ['training/bin/deep/command.ts', ['../../src/bin/mbti-serve.ts']],
    ['training/onnx/shapes/deep.ts', ['../../autodiff/rule.ts']],
    ['training/onnx/near.ts', ['../optim/adamw.ts']],
    ['training/runtime/cpu/deep.ts', ['express', 'yargs/helpers']],
    ['src/server.ts', ['../training/data/split.ts', 'express']],
  ])('refuse in %s exactly %j', (file, expected) => {
    expect(refused.get(file)).toEqual(expected);
  });
});
