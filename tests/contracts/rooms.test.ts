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

interface Rooms {
  /** From the lowest floor up. */
  readonly rooms: Readonly<Record<string, { imports: string[]; packages?: string[] }>>;
  readonly withRules: (text: string) => string;
  readonly withDiagram: (text: string) => string;
}

const {
  rooms: table,
  withDiagram,
  withRules,
}: Rooms = await import(join(packageRoot, 'scripts/rooms.mjs'));

const rooms = Object.keys(table);
const { dependencies } = JSON.parse(readFileSync(join(packageRoot, 'package.json'), 'utf8'));
const packages = Object.keys(dependencies);
const everything = [...packages, ...rooms.map(pathTo), '../../src/errors.ts', 'node:fs/promises'];

function foldersOf(folder: string): string[] {
  return readdirSync(join(packageRoot, folder), { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map((entry) => `${folder}/${entry.name}`);
}

function pathTo(room: string): string {
  return `../../${room}/another-file.ts`;
}

/** Of training, what runs a command is all that it may have of src/bin. */
const mayImport = (room: string, other: string): boolean =>
  room === other ||
  (table[room]!.imports.includes(other) && !(room === 'training/bin' && other === 'src/bin'));

/** What a statement or a call imports from. */
const SPECIFIER = /(?:^(?:import|export)\b[^'";=(:]* from |^import |\bimport\(\s*)'([^'\n]+)'/gm;

/** The rooms and packages that the files of a room import. */
function importsOf(room: string): { rooms: Set<string>; packages: Set<string> } {
  const found = { rooms: new Set<string>(), packages: new Set<string>() };
  for (const file of readdirSync(join(packageRoot, room), { recursive: true, encoding: 'utf8' })) {
    if (!file.endsWith('.ts')) continue;
    const text = readFileSync(join(packageRoot, room, file), 'utf8');
    for (const [, specifier = ''] of text.matchAll(SPECIFIER)) {
      if (specifier.startsWith('node:')) continue;
      if (!specifier.startsWith('.')) {
        const [scope, name] = specifier.split('/');
        found.packages.add(specifier.startsWith('@') ? `${scope}/${name}` : (scope ?? ''));
        continue;
      }
      const [side, other] = join(room, dirname(file), specifier).split('/');
      const target = `${side}/${other}`;
      if (target !== room && !other?.endsWith('.ts')) found.rooms.add(target);
    }
  }
  return found;
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

describe('the table of rooms', () => {
  it('has every folder of the sources, each above those that it imports', () => {
    expect([...rooms].sort()).toEqual([...foldersOf('src'), ...foldersOf('training')].sort());
    for (const [i, room] of rooms.entries()) {
      for (const other of table[room]!.imports) expect(rooms.slice(0, i)).toContain(other);
    }
  });

  it.each(rooms)('says what is imported in %s, types included, and no more', (room) => {
    const found = importsOf(room);
    expect([...found.rooms].sort()).toEqual([...table[room]!.imports].sort());
    expect([...found.packages].sort()).toEqual([...(table[room]!.packages ?? [])].sort());
  });

  it('has an owner for every dependency of package.json', () => {
    const owned = new Set(rooms.flatMap((room) => table[room]!.packages ?? []));
    expect([...owned].sort()).toEqual([...packages].sort());
  });

  it.each([
    ['biome.json', withRules],
    ['docs/architecture.md', withDiagram],
  ])('is what %s says (npm run rooms writes it)', (file, written) => {
    const text = readFileSync(join(packageRoot, file), 'utf8');
    expect(text).toBe(written(text));
  });
});

describe('the room rules of the linter', () => {
  it.each(rooms)('hold in %s', (room) => {
    expect(refused.get(`${room}/some-file.ts`)).toEqual(
      [
        ...packages.filter((name) => !table[room]!.packages?.includes(name)),
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
