import { spawnSync } from 'node:child_process';
import { copyFileSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from '@jest/globals';
import { loadConfig } from '../../src/config/index.ts';
import { packageRoot } from '../../src/package-root.ts';
import { startServer } from '../../src/server.ts';
import { createLogger } from '../../src/telemetry/index.ts';
import { sampleCsv } from '../../training/data/sample/writer.ts';
import { runBin } from '../support/run-bin.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

/** Installed by npm for this test alone: with its runtime for browsers it is 180 MB. */
const TRANSFORMERS_JS = '@huggingface/transformers@4.3.1';
/** A Python with optimum[onnxruntime] and torch; without one, its test is skipped and says so. */
const { MBTI_OPTIMUM_PYTHON: python } = process.env;
const MINUTES = 60_000;

const folder = temporaryFolder();
const peer = join(folder.path, 'peer');
const support = join(packageRoot, 'tests/support/peers');

const texts = [
  "I enjoy solving complex problems alone and reading books, don't you?",
  'Parties! People! Plans… et le café crème, 12 % off.',
  // Longer than a window: the pipelines cut it where the server's first window ends.
  'quiet evenings in the garden '.repeat(60),
];

const tiny = {
  data: { source: 'sample.csv' },
  model: {
    base: {
      init: { dim: 32, n_layers: 2, n_heads: 2, hidden_dim: 64, max_position_embeddings: 64 },
    },
    tokenizer: 'train',
    vocab_size: 400,
  },
  train: { epochs: 1, batch_size: 16, max_length: 32, learning_rate: 3e-3, warmup_steps: 4 },
  // So small a model gains nothing by int8; here it is to be there.
  quantize: { max_size_ratio: 1, fp16: 'yes' },
  runtime: { device: 'cpu', threads: 1 },
};
const oneAxis = {
  name: 'outlook',
  text_column: 'posts',
  axes: [{ name: 'outlook', labels: ['out', 'in'], column: 'outlook' }],
};
/** The tasks by the bundle's name; the second has a single logit. */
const tasks = { mbti: tiny, outlook: { ...tiny, task: oneAxis, data: { source: 'outlook.csv' } } };
const bundles = Object.keys(tasks);
const bundleOf = (name: string) => join(folder.path, 'models', name);

interface Prediction {
  readonly probabilities: Readonly<Record<string, number>>;
}

/** The server's own answers, of a text's first window alone. */
async function served(bundle: string, precision: 'fp32' | 'int8' | 'fp16'): Promise<Prediction[]> {
  const { config } = loadConfig({
    flags: {
      'server.port': 0,
      'server.host': '127.0.0.1',
      'server.workers': 1,
      'limits.max_windows': 1,
      'runtime.precision': precision,
    },
  });
  const logger = createLogger({ level: 'error', format: 'json', stream: process.stderr });
  const server = await startServer({ config, modelDir: bundle, logger });
  try {
    const answer = await fetch(`${server.url}/predict`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ texts }),
    });
    expect(answer.status).toBe(200);
    return JSON.parse(await answer.text()).predictions;
  } finally {
    await server.stop();
  }
}

/** The last line of a program's output as JSON. */
function jsonOf(command: string, args: readonly string[], cwd: string) {
  const env = { ...process.env, NODE_OPTIONS: '', ORT_DISABLE_TELEMETRY: '1', HF_HUB_OFFLINE: '1' };
  const { status, stdout, stderr } = spawnSync(command, args, { cwd, env, encoding: 'utf8' });
  if (status !== 0) throw new Error(`${command} ended with ${status}: ${stderr}`);
  return JSON.parse(stdout.trim().split('\n').at(-1) ?? '');
}

/** What the server makes of a sigmoid of the logit: it divides the logit by the temperature of the label's axis. */
function tempered(bundle: string, label: string, score: number): number {
  const { task } = JSON.parse(readFileSync(join(bundle, 'manifest.json'), 'utf8'));
  const { temperature } = task.axes.find(({ labels }: { labels: string[] }) => labels[0] === label);
  return 1 / (1 + Math.exp(-Math.log(score / (1 - score)) / temperature));
}

/** Each label that the peer names has the server's probability. */
function expectSame(
  bundle: string,
  found: readonly Readonly<Record<string, number>>[],
  predictions: readonly Prediction[],
  within: number,
): void {
  expect(found).toHaveLength(texts.length);
  found.forEach((labels, i) => {
    const { probabilities } = predictions[i]!;
    expect(Object.keys(labels).length).toBe(Object.keys(probabilities).length / 2);
    for (const [label, score] of Object.entries(labels)) {
      const difference = Math.abs(tempered(bundle, label, score) - probabilities[label]!);
      expect({ label, same: difference <= within, difference }).toMatchObject({
        label,
        same: true,
      });
    }
  });
}

beforeAll(async () => {
  const csv = sampleCsv(200, 5);
  folder.write('sample.csv', csv);
  // The type stands first in a row; its first letter becomes a label of its own.
  const [, ...rows] = csv.trim().split('\n');
  const labelled = rows.map((row) => `${row.startsWith('E') ? 'out' : 'in'},${row}`);
  folder.write('outlook.csv', `${['outlook,type,posts', ...labelled].join('\n')}\n`);
  for (const [name, task] of Object.entries(tasks)) {
    writeFileSync(join(folder.path, `${name}.json`), JSON.stringify(task));
    const args = ['--config', `${name}.json`, `run.name=${name}`];
    const { code, stderr } = await runBin('training/bin/mbti-train', args, { cwd: folder.path });
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  }
  mkdirSync(peer);
  writeFileSync(join(peer, 'package.json'), '{"private":true,"type":"module"}');
  const install = ['install', '--ignore-scripts', '--no-audit', '--no-fund', TRANSFORMERS_JS];
  const { status, stderr } = spawnSync('npm', install, { cwd: peer, encoding: 'utf8' });
  if (status !== 0) throw new Error(`npm could not install ${TRANSFORMERS_JS}: ${stderr}`);
  copyFileSync(join(support, 'transformers-js.mjs'), join(peer, 'run.mjs'));
}, 10 * MINUTES);

describe.each(bundles)('the bundle of %s, unchanged', (name) => {
  const bundle = bundleOf(name);

  it(
    'gives in transformers.js the server’s probabilities under the server’s labels',
    async () => {
      const found = jsonOf(
        process.execPath,
        ['run.mjs', bundle, 'fp32', JSON.stringify(texts)],
        peer,
      );
      expectSame(bundle, found, await served(bundle, 'fp32'), 1e-4);
    },
    2 * MINUTES,
  );

  // By our weights within ±64 neither depends on the CPU or on the runtime's options; float16 is float32 with casts here.
  it.each([
    ['q8', 'int8'],
    ['fp16', 'fp16'],
  ] as const)(
    'gives in transformers.js with %s the server’s %s probabilities',
    async (dtype, precision) => {
      const args = ['run.mjs', bundle, dtype, JSON.stringify(texts)];
      const found = jsonOf(process.execPath, args, peer);
      expectSame(bundle, found, await served(bundle, precision), 1e-4);
    },
    2 * MINUTES,
  );

  const withPython = python === undefined ? it.skip : it;
  withPython(
    `gives in Python, by optimum and by onnxruntime alone, the server’s probabilities${
      python === undefined ? ' (needs MBTI_OPTIMUM_PYTHON, a Python with optimum[onnxruntime])' : ''
    }`,
    async () => {
      const script = join(support, 'optimum_pipeline.py');
      const found = jsonOf(String(python), [script, bundle, JSON.stringify(texts)], folder.path);
      const predictions = await served(bundle, 'fp32');
      expectSame(bundle, found.optimum, predictions, 1e-4);
      const labels = Object.keys(predictions[0]!.probabilities).filter((_, i) => i % 2 === 0);
      const alone = found.onnxruntime.map((scores: number[]) =>
        Object.fromEntries(scores.map((score, i) => [labels[i], score])),
      );
      expectSame(bundle, alone, predictions, 1e-4);
    },
    5 * MINUTES,
  );
});
