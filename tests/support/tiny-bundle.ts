import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { Manifest } from '../../src/bundle/index.ts';
import type { Task } from '../../src/task/index.ts';
import { distilbert, distilbertConfig, randomWeights } from '../../training/architectures/index.ts';
import { classifierConfig, writeBundle } from '../../training/bundle/index.ts';
import { learnTokenizer } from '../../training/data/wordpiece/tokenizer-files.ts';
import { encodeModel } from '../../training/onnx/codec/index.ts';

/** A random DistilBERT of 4 labels, 500 word pieces and 64 positions. */
export const tinyGraph: string = fileURLToPath(
  new URL('../fixtures/graphs/distilbert/legacy-op17-sdpa-head.onnx', import.meta.url),
);

export const tinyMaxLength = 64;
const tinySizes = { vocab_size: 500, max_position_embeddings: tinyMaxLength };

export const mbtiTask: Task = {
  name: 'mbti',
  cleaning: 'mbti',
  axes: ['EI', 'SN', 'TF', 'JP'].map(([first = '', second = '']) => ({
    name: `${first}/${second}`,
    labels: [first, second],
    threshold: 0.5,
    temperature: 1,
  })),
};

const words = `the quiet evening garden and many plans for a long warm day when friends come to argue about
ideas theory practice schedules deadlines or dream alone reading solving complex problems enjoy books`;

/** Fields of a manifest that tests do not care about. */
export const anyManifest = {
  name: 'tiny',
  task: mbtiTask,
  max_length: tinyMaxLength,
  config_hash: 'c'.repeat(64),
  data_hash: 'd'.repeat(64),
  packages: { 'mbti-onnx': '0.0.0' },
} as const;

/** The default task with logits divided by `temperature`, which every answer shows. */
export const tempered = (temperature: number): Task => ({
  ...mbtiTask,
  axes: mbtiTask.axes.map((axis) => ({ ...axis, temperature })),
});

/** Another one, of so many labels. */
export function tinyClassifier(labels: number): Uint8Array {
  const sizes = { dim: 8, n_layers: 1, n_heads: 2, hidden_dim: 16, initializer_range: 0.3 };
  const config = distilbertConfig({ ...tinySizes, ...sizes });
  return encodeModel(distilbert(config, randomWeights(config, 1), labels));
}

/** Writes a small complete bundle of real files to `dir`, of the tiny graph or of another with its inputs. */
export function writeTinyBundle(
  dir: string,
  change: Partial<Manifest> = {},
  extraFiles: Readonly<Record<string, Uint8Array>> = {},
  model: Uint8Array = readFileSync(tinyGraph),
): Promise<Manifest> {
  const task = change.task ?? mbtiTask;
  return writeBundle({
    dir,
    model,
    ...learnTokenizer([words], 500),
    hfConfig: classifierConfig(tinySizes, task),
    manifest: { ...anyManifest, ...change },
    extraFiles,
  });
}
