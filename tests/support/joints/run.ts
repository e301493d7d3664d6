import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { InferenceSession, Tensor as OrtTensor } from 'onnxruntime-node';
import { type Bundle, readBundle } from '../../../src/bundle/index.ts';
import { TextTokenizer } from '../../../src/text/index.ts';
import { type Ended, runBin } from '../run-bin.ts';
import { fractions, jointCorpus, minLength, type Part, seed } from './corpus.ts';
import { sigmoid } from './figures.ts';

/** How it trains; no value is the default, and none is another's. */
export const settings = {
  seed,
  epochs: 12,
  batchSize: 8,
  accumulate: 2,
  maxLength: 12,
  learningRate: 0.01,
  warmup: 5,
  weightDecay: 0.3,
  maxGradNorm: 0.9,
  smoothing: 0.1,
};
export const patience = 2;
export const every = 5;
export const maxWindows = 2;
export const gateTexts = 20;
const axes = [
  { name: 'mood', labels: ['good', 'bad'], column: 'mood' },
  { name: 'size', labels: ['long', 'short'], column: 'size' },
];
export const config = {
  seed,
  run: { name: 'joints' },
  task: { name: 'mood', text_column: 'note', axes },
  data: {
    source: 'source.csv',
    min_length: minLength,
    test_fraction: fractions.test,
    validation_fraction: fractions.validation,
  },
  model: {
    base: {
      init: {
        ...{ dim: 32, n_layers: 2, n_heads: 2, hidden_dim: 32 },
        ...{ max_position_embeddings: 20, initializer_range: 0.2 },
      },
    },
    tokenizer: 'train',
    vocab_size: 120,
  },
  train: {
    epochs: settings.epochs,
    batch_size: settings.batchSize,
    accumulate: settings.accumulate,
    max_length: settings.maxLength,
    learning_rate: settings.learningRate,
    warmup_steps: settings.warmup,
    weight_decay: settings.weightDecay,
    max_grad_norm: settings.maxGradNorm,
    label_smoothing: settings.smoothing,
    schedule: 'cosine',
    dropout: 0.1,
    freeze: ['layers:1'],
    pos_weight: 'balanced',
    evaluate_every: every,
    best_metric: 'brier',
    patience,
  },
  quantize: {
    ...{ texts: gateTexts, max_size_ratio: 1, min_agreement: 0, max_mean_dp: 1, max_f1_drop: 1 },
  },
  limits: { max_windows: maxWindows },
  runtime: { device: 'cpu', threads: 1 },
};

export const { csv, rows } = jointCorpus();

export const truthOf = (part: Part, axis: number): number[] =>
  rows[part].map(({ labels }) => labels[axis] as number);

/** The share of an axis's first label. */
export const shareOf = (part: Part, axis: number): number =>
  truthOf(part, axis).reduce((sum, y) => sum + y, 0) / rows[part].length;

export type Windows = readonly (readonly Float32Array[])[];

/** A run in a folder, and what it left there. */
export interface JointRun {
  readonly ended: Ended;
  readonly bundle: Bundle;
  readonly tokenizer: TextTokenizer;
  /** The lines of the run's log of one kind. */
  events(kind: string): readonly Record<string, unknown>[];
  /** The logits [axes] of the windows that a server scores of each text, by a graph of the bundle. */
  windowsOf(file: string, part: Part): Promise<Windows>;
}

/** Trains by `mbti-train`, as its users do. */
export async function jointRun(folder: {
  readonly path: string;
  write(name: string, content: string): string;
}): Promise<JointRun> {
  folder.write('source.csv', csv);
  folder.write('joints.json', JSON.stringify(config));
  const args = ['--config', 'joints.json'];
  const ended = await runBin('training/bin/mbti-train', args, { cwd: folder.path });
  if (ended.code !== 0) throw new Error(ended.stderr);
  const bundle = join(folder.path, 'models/joints');
  const tokenizer = TextTokenizer.load(bundle);
  const lines = readFileSync(join(folder.path, 'runs/joints/log.jsonl'), 'utf8').trim();
  const events: Record<string, unknown>[] = lines.split('\n').map((line) => JSON.parse(line));
  return {
    ended,
    bundle: await readBundle(bundle),
    tokenizer,
    events: (kind) => events.filter(({ event }) => event === kind),
    windowsOf: (file, part) => windowsOf(join(bundle, file), tokenizer, part),
  };
}

async function windowsOf(file: string, tokenizer: TextTokenizer, part: Part): Promise<Windows> {
  const session = await InferenceSession.create(file, { intraOpNumThreads: 1 });
  const found: Float32Array[][] = [];
  for (const { text } of rows[part]) {
    const ids = tokenizer.encode(text);
    const room = settings.maxLength - 2;
    const windows: Float32Array[] = [];
    for (let start = 0; start < ids.length && windows.length < maxWindows; start += room) {
      const window = [tokenizer.clsId, ...ids.slice(start, start + room), tokenizer.sepId];
      const shape = [1, window.length];
      const { logits } = await session.run({
        input_ids: new OrtTensor('int64', BigInt64Array.from(window, BigInt), shape),
        attention_mask: new OrtTensor(
          'int64',
          BigInt64Array.from(window, () => 1n),
          shape,
        ),
      });
      windows.push(Float32Array.from(logits?.data as Float32Array));
    }
    found.push(windows);
  }
  return found;
}

/** The mean over windows of the first label's probability. */
export const answersOf = (windows: Windows, axis: number, temperature: number): number[] =>
  windows.map(
    (text) =>
      text.reduce((sum, logits) => sum + sigmoid((logits[axis] ?? 0) / temperature), 0) /
      text.length,
  );
