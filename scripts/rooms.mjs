#!/usr/bin/env node
// The rooms of the sources and who may import whom. `npm run rooms` writes it into biome.json and docs/architecture.md.
import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const training = (...names) => names.map((name) => `training/${name}`);
const src = (...names) => names.map((name) => `src/${name}`);

/**
 * Every room, from the lowest floor up: the rooms that it imports, types included, all of which stand before it, and the
 * packages that it may import.
 *
 * @type {Record<string, { imports: string[], packages?: string[] }>}
 */
export const rooms = {
  'src/files': { imports: [], packages: ['jsonc-parser'] },
  'src/text': { imports: src('files'), packages: ['@huggingface/tokenizers'] },
  'src/task': { imports: src('text') },
  'src/config': { imports: src('files', 'task', 'text'), packages: ['convict'] },
  'src/bundle': { imports: src('files', 'task', 'text') },
  'src/engine': {
    imports: src('bundle', 'files', 'task', 'text'),
    packages: ['onnxruntime-node'],
  },
  'src/scheduler': { imports: src('engine', 'text') },
  'src/cache': { imports: src('engine') },
  'src/telemetry': {
    imports: src('bundle', 'config', 'files', 'text'),
    packages: [
      'winston',
      'prom-client',
      '@opentelemetry/api',
      '@opentelemetry/exporter-trace-otlp-http',
      '@opentelemetry/resources',
      '@opentelemetry/sdk-trace-base',
    ],
  },
  'src/security': { imports: src('config', 'files', 'telemetry') },
  'src/models': { imports: src('bundle', 'config', 'engine', 'files', 'task', 'telemetry') },
  'src/ui': { imports: [] },
  'src/http': {
    imports: [
      ...src('cache', 'engine', 'files', 'models', 'scheduler', 'security', 'task', 'telemetry'),
      ...src('text', 'ui'),
    ],
    packages: ['express', 'ajv', 'helmet'],
  },
  'src/bulk': { imports: src('files', 'models', 'scheduler', 'task', 'text') },
  'src/bin': {
    imports: [
      ...src('bulk', 'bundle', 'config', 'engine', 'files', 'models', 'scheduler', 'telemetry'),
    ],
    packages: ['yargs'],
  },
  'training/onnx': { imports: src('files'), packages: ['@bufbuild/protobuf'] },
  'training/graph': { imports: [...src('files'), ...training('onnx')] },
  'training/autodiff': { imports: [...src('files'), ...training('graph', 'onnx')] },
  'training/architectures': { imports: [...src('files'), ...training('onnx')] },
  'training/optim': { imports: training('onnx') },
  'training/inspect': { imports: [...src('files'), ...training('autodiff', 'onnx')] },
  'training/artifacts': {
    imports: [...src('files'), ...training('architectures', 'autodiff', 'graph', 'onnx', 'optim')],
  },
  'training/deploy': { imports: [...src('files'), ...training('graph', 'onnx')] },
  'training/data': { imports: src('config', 'files', 'telemetry', 'text') },
  'training/runtime': {
    imports: [
      ...src('bundle', 'config', 'files'),
      ...training('artifacts', 'data', 'graph', 'inspect', 'onnx', 'optim'),
    ],
    packages: ['onnxruntime-node'],
  },
  'training/evaluate': { imports: src('bundle', 'task', 'telemetry') },
  'training/hub': { imports: [...src('files'), ...training('architectures')] },
  'training/tracking': { imports: [] },
  'training/bundle': { imports: src('bundle', 'files', 'task') },
  'training/recipes': {
    imports: [
      ...src('bundle', 'config', 'files', 'task', 'text'),
      ...training('architectures', 'artifacts', 'bundle', 'data', 'deploy', 'evaluate', 'graph'),
      ...training('hub', 'onnx', 'optim', 'runtime', 'tracking'),
    ],
  },
  'training/bin': {
    imports: [
      ...src('bin', 'bundle', 'config', 'files'),
      ...training('architectures', 'artifacts', 'data', 'deploy', 'evaluate', 'hub', 'inspect'),
      ...training('onnx', 'recipes', 'runtime', 'tracking'),
    ],
    packages: ['yargs'],
  },
};

/** Of src/bin, training may import what runs a command, and no command. */
const SHARED_OF_BIN = 'src/bin/run-command.ts';

/** The files beside the rooms that training may import, too. */
const SHARED_FILES = ['errors.ts', 'package-root.ts'];

const nameOf = (room) => room.slice(room.indexOf('/') + 1);

/** What the linter refuses in a room: the packages and the rooms that it does not name. */
export function restriction(room) {
  const { imports, packages = [] } = rooms[room];
  const isTraining = room.startsWith('training/');
  const side = isTraining ? 'training/' : 'src/';
  const refused = Object.keys(rooms).filter(
    (other) => other.startsWith(side) && other !== room && !imports.includes(other),
  );
  const shared = imports.filter((other) => isTraining && other.startsWith('src/'));
  return {
    message: `${room} may import ${[...packages, ...imports].join(', ') || 'no package and no room'}: see scripts/rooms.mjs.`,
    group: [
      ...['**', '!./**', '!../**', '!node:*', '!node:*/**'],
      ...packages.flatMap((name) => [`!${name}`, `!${name}/**`]),
      ...refused.map((other) => `**/${nameOf(other)}/**`),
      isTraining ? '**/src/**' : '**/training/**',
      ...(isTraining ? SHARED_FILES.map((file) => `!**/src/${file}`) : []),
      ...shared.map((other) => (other === 'src/bin' ? `!**/${SHARED_OF_BIN}` : `!**/${other}/**`)),
    ],
  };
}

/** The rules of the linter, for every room and for the files beside them. */
function overrides() {
  const rule = (includes, pattern) => ({
    includes: [includes],
    linter: {
      rules: {
        style: { noRestrictedImports: { level: 'error', options: { patterns: [pattern] } } },
      },
    },
  });
  const beside = (folder, others) => ({
    message: `what stands beside the rooms of ${folder}/ may import no package${others}.`,
    group: [
      '**',
      '!./**',
      '!../**',
      '!node:*',
      '!node:*/**',
      `**/${others ? 'training' : 'src'}/**`,
    ],
  });
  return [
    rule('src/*', beside('src', ', and nothing of training/')),
    rule('training/*', beside('training', '')),
    ...Object.keys(rooms).map((room) => rule(`${room}/**`, restriction(room))),
  ];
}

/** biome.json with the rules of this table, a line for each. */
export function withRules(text) {
  const config = JSON.parse(text);
  const others = config.overrides.filter(
    ({ linter }) => linter?.rules?.style?.noRestrictedImports === undefined,
  );
  const lines = [...others, ...overrides()].map((one) => `    ${JSON.stringify(one)}`);
  const rest = JSON.stringify({ ...config, overrides: [] }, null, 2);
  return `${rest.replace('"overrides": []', `"overrides": [\n${lines.join(',\n')}\n  ]`)}\n`;
}

/** The arrows from one side's rooms to each other that do not follow from others: the ways to go down a floor. */
export function arrows(side) {
  const own = Object.keys(rooms).filter((room) => room.startsWith(side));
  const below = (room) => rooms[room].imports.filter((other) => other.startsWith(side));
  const reach = new Map();
  for (const room of own) {
    reach.set(room, new Set(below(room).flatMap((other) => [other, ...reach.get(other)])));
  }
  return own.flatMap((room) =>
    below(room)
      .filter((other) => !below(room).some((step) => reach.get(step).has(other)))
      .map((other) => [room, other]),
  );
}

/** The diagram of the document. */
export function diagram() {
  const draw = (side, from) =>
    arrows(side).map(
      ([a, b]) => `    ${from}${nameOf(a)}[${nameOf(a)}] --> ${from}${nameOf(b)}[${nameOf(b)}]`,
    );
  return [
    '```mermaid',
    'flowchart TB',
    '  subgraph training',
    ...draw('training/', 't'),
    '  end',
    '  t_bundle == model bundle ==> s_bundle',
    '  subgraph src',
    ...draw('src/', 's'),
    '    s_bin --> s_server[server.ts]',
    '    s_server --> s_http',
    '  end',
    '```',
  ].join('\n');
}

/** The document with this diagram in the place of its first one. */
export const withDiagram = (text) => text.replace(/```mermaid\nflowchart[\s\S]*?```/, diagram());

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const root = new URL('../', import.meta.url);
  for (const [file, change] of [
    ['biome.json', withRules],
    ['docs/architecture.md', withDiagram],
  ]) {
    const path = new URL(file, root);
    writeFileSync(path, change(readFileSync(path, 'utf8')));
  }
}
