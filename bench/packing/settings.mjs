import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { distilbert } from '../../dist/training/architectures/index.js';
import { optimizeForInference } from '../../dist/training/deploy/optimize.js';
import { quantizeModel } from '../../dist/training/deploy/quantize/quantize-model.js';
import { GraphBuilder } from '../../dist/training/onnx/builder.js';
import { encodeModel } from '../../dist/training/onnx/codec/index.js';
import { config, weights } from '../train/model.mjs';
import { Peer } from '../train/peer.mjs';
import { spread, summary } from '../train/statistics.mjs';
import { textsOf } from './groups.mjs';

const script = fileURLToPath(new URL('settings-process.mjs', import.meta.url));
const SECONDS = 1;
const kinds = { short: 44, long: 285 };

/** What a server could set, each in processes of its own; `deployed`, one thread, is what an engine is. */
const settings = {
  'one process, one thread': {},
  'one process, two threads': { threads: 2 },
  'two processes, one thread each': { processes: 2 },
  'weights not prepacked': { session: { disable_prepacking: '1' } },
  'no memory arena': { options: { enableCpuMemArena: false } },
  'no memory pattern': { options: { enableMemPattern: false } },
  'huge pages (glibc.malloc.hugetlb=1)': { env: ['GLIBC_TUNABLES=glibc.malloc.hugetlb=1'] },
  'query, key and value rounded each': { graph: 'separate' },
  'fused attention': { graph: 'fused' },
  'fused attention, packed QKV': { graph: 'packed' },
};

/** The int8 files of the graphs above. */
function graphs() {
  const model = distilbert(config(6), weights, 4);
  const int8 = (...more) =>
    quantizeModel(
      optimizeForInference(model, { passes: ['layer-norm', 'select-row', ...more] }).model,
    ).model;
  return {
    deployed: int8(),
    separate: roundedEach(int8()),
    fused: int8('attention'),
    packed: int8('attention', 'pack-qkv'),
  };
}

/** Every product rounds its activations itself, also where several read the same. */
function roundedEach(model) {
  const b = new GraphBuilder(model.graph, 'each');
  for (const node of model.graph.topologicalOrder()) {
    if (node.op !== 'DynamicQuantizeLinear') continue;
    const [values, scale, zero] = node.outputs;
    const readers = [...values.uses].map((use) => use.node);
    for (const product of readers.slice(1)) {
      const outputs = ['values', 'scale', 'zero'];
      const own = b.node('DynamicQuantizeLinear', node.inputs, {}, { outputs });
      product.inputs.forEach((input, i) => {
        if (input === values) product.setInput(i, own[0]);
        if (input === zero) product.setInput(i, own[2]);
      });
      const scaling = scaleOf(product, scale);
      scaling.setInput(scaling.inputs.indexOf(scale), own[1]);
    }
  }
  return model;
}

/** The Mul of both scales of a product: MatMulInteger, Cast, and the Mul of the two. */
function scaleOf(product, scale) {
  const [{ node: cast }] = [...product.outputs[0].uses];
  const [{ node: multiplied }] = [...cast.outputs[0].uses];
  return multiplied.inputs.map((v) => v.producer).find((made) => made?.inputs.includes(scale));
}

async function start({ graph = 'deployed', processes = 1, env = [], ...session }, folder) {
  const texts = Object.fromEntries(
    Object.entries(kinds).map(([kind, length]) => [kind, textsOf(8, length, 30522)]),
  );
  const spec = JSON.stringify({ file: join(folder, graph), texts, ...session });
  const one = () => Peer.start('env', [...env, process.execPath, script, spec]);
  return Promise.all(Array.from({ length: processes }, one));
}

/** Texts a second by setting, windows in turn, so that a change of the machine's speed meets all of them. */
export async function compareSettings({ rounds, note }) {
  const folder = mkdtempSync(join(tmpdir(), 'mbti-settings-'));
  const running = {};
  const rates = {};
  try {
    for (const [name, model] of Object.entries(graphs())) {
      writeFileSync(join(folder, name), encodeModel(model));
    }
    for (const [name, setting] of Object.entries(settings)) {
      running[name] = await start(setting, folder);
      rates[name] = Object.fromEntries(Object.keys(kinds).map((kind) => [kind, []]));
    }
    for (let round = 0; round <= rounds; round++) {
      for (const kind of Object.keys(kinds)) {
        for (const [name, peers] of Object.entries(running)) {
          const question = { kind, seconds: round === 0 ? 0.2 : SECONDS };
          const answers = await Promise.all(peers.map((peer) => peer.ask(question)));
          if (round > 0) rates[name][kind].push(together(answers));
        }
      }
      note(`round ${round}/${rounds}`);
    }
  } finally {
    await Promise.all(Object.values(running).flatMap((peers) => peers.map((peer) => peer.stop())));
    rmSync(folder, { recursive: true, force: true });
  }
  print(rates);
  return rates;
}

/** By the clock all processes count together; by processor time they are alike. */
const together = (answers) => ({
  clock: answers.reduce((sum, { rate }) => sum + rate, 0),
  processor: answers.reduce((sum, { processor }) => sum + processor, 0) / answers.length,
});

function print(rates) {
  const [first] = Object.values(rates);
  const column = (own, kind) => {
    const all = own[kind].map(({ clock }) => clock);
    const over = own[kind].map(({ processor }, i) => processor / first[kind][i].processor);
    return [spread(summary(all), 1), spread(summary(over), 2)];
  };
  const rows = Object.entries(rates).map(([name, own]) => [
    name,
    ...Object.keys(kinds).flatMap((kind) => column(own, kind)),
  ]);
  const heads = Object.values(kinds).flatMap((length) => [
    `${length} tokens, texts/s`,
    'texts a processor second, over the first',
  ]);
  const line = (cells) => `| ${cells.join(' | ')} |`;
  const head = ['int8', ...heads];
  console.log([head, head.map(() => '---'), ...rows].map(line).join('\n'));
}
