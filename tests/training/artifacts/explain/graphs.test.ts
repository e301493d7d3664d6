import { describe, expect, it } from '@jest/globals';
import { explainModel } from '../../../../training/artifacts/index.ts';
import { readModel } from '../../../../training/onnx/codec/index.ts';
import { problemsOf } from '../../../../training/onnx/verify.ts';
import {
  fixturePath,
  maxDifference,
  numbers,
  readReference,
  tensorNamed,
  under,
} from '../../../support/reference-tensors.ts';
import { runSession, sessionOf } from '../../../support/run-graph.ts';

/**
 * Graph, the reference of its numbers, PyTorch's name of the word embeddings. DistilBERT's head has a ReLU: the
 * gradient jumps along the path.
 */
const graphs = [
  ['graphs/distilbert/legacy-op14-eager-head.onnx', 'reference/distilbert', 'distilbert'],
  ['graphs/distilbert/legacy-op17-sdpa-head-nofold.onnx', 'reference/distilbert', 'distilbert'],
  ['graphs/distilbert/dynamo-op18-sdpa-head-external.onnx', 'reference/distilbert', 'distilbert'],
  ['graphs/bert/legacy-op17-sdpa-head.onnx', 'reference/bert', 'bert'],
  ['families/distilbert-legacy-op13-eager.onnx', 'families/distilbert', 'distilbert'],
  ['families/distilbert-dynamo-op23-sdpa.onnx', 'families/distilbert', 'distilbert'],
  ['families/albert-legacy-op17-sdpa.onnx', 'families/albert', 'albert'],
  ['families/albert-dynamo-op18-sdpa.onnx', 'families/albert', 'albert'],
  ['families/mpnet-dynamo-op18-eager.onnx', 'families/mpnet', 'mpnet'],
  ['families/deberta-legacy-op17-eager.onnx', 'families/deberta', 'deberta'],
] as const;

const sigmoid = (x: number): number => 1 / (1 + Math.exp(-x));
const sum = (values: readonly number[]): number => values.reduce((a, b) => a + b, 0);

describe.each(graphs)('the explain graph of %s', (file, name, family) => {
  const explained = async (steps: number, kept: number[] = []) => {
    const reference = await readReference(`${name}.safetensors`);
    const { graph } = explainModel(await readModel(fixturePath(file)), { steps, kept });
    // DeBERTa's source graph hides the rank of some values itself.
    if (family !== 'deberta') expect(problemsOf(graph)).toEqual([]);
    const inputs = new Set(graph.inputs.map((input) => input.name));
    const batch = new Map([...under(reference, 'batch/')].filter(([input]) => inputs.has(input)));
    const outputs = await runSession(await sessionOf(graph), Object.fromEntries(batch));
    return { reference, batch, outputs };
  };

  it('has the gradient × input that PyTorch’s gradient of the embedding rows says', async () => {
    const { reference, batch, outputs } = await explained(0);
    const logits = numbers(tensorNamed(reference, 'logits'));
    expect(maxDifference(outputs.logits!.values, logits)).toBeLessThan(2e-6);
    const [rows = 0, axes = 0, length = 0] = outputs.attributions!.dims;
    const labels = numbers(tensorNamed(reference, 'batch/labels'));
    const ids = numbers(batch.get('input_ids'));
    // The loss is the mean of BCE: its gradient of a row E[v] is the logits' gradients at the places of v,
    // weighted with (σ(logit) − label) / count. So the product with E[v] must be the attributions' sum.
    const found = new Map<number, number>();
    outputs.attributions!.values.forEach((value, i) => {
      const [row, axis, at] = [
        Math.floor(i / (axes * length)),
        Math.floor(i / length) % axes,
        i % length,
      ];
      const cell = row * axes + axis;
      const weight = (sigmoid(logits[cell]!) - labels[cell]!) / (rows * axes);
      const id = ids[row * length + at]!;
      found.set(id, (found.get(id) ?? 0) + weight * value);
    });
    const parameter = `${family}.embeddings.word_embeddings.weight`;
    const gradient = tensorNamed(reference, `grad/${parameter}`);
    const [, width = 0] = gradient.dims;
    const rowOf = (values: readonly number[], id: number) =>
      values.slice(id * width, (id + 1) * width);
    const table = await wordEmbeddings(file, width);
    const all = numbers(gradient);
    const wanted = Array.from(found.keys(), (id) => {
      const row = rowOf(table, id);
      return sum(rowOf(all, id).map((g, i) => g * row[i]!));
    });
    const scale = Math.max(...wanted.map(Math.abs));
    expect(scale).toBeGreaterThan(1e-6);
    // float32 on both sides, sums over the width and over places.
    expect(maxDifference([...found.values()], wanted) / scale).toBeLessThan(1e-5);
  });

  it('has integrated gradients that add up to the difference of the logits within 1 %', async () => {
    // The small DistilBERT's logits differ by less, and its ReLU leaves as much.
    const { outputs } = await explained(file.startsWith('families/distilbert') ? 513 : 129);
    const { logits, baseline_logits: baseline, integrated_gradients: integrated } = outputs;
    const length = integrated!.dims[2]!;
    const differences = logits!.values.map((logit, cell) => logit - baseline!.values[cell]!);
    const errors = differences.map((difference, cell) => {
      const total = sum(integrated!.values.slice(cell * length, (cell + 1) * length));
      return Math.abs(total - difference);
    });
    // Relative to the mean, as differences of about 0 are among them.
    const typical = sum(differences.map(Math.abs)) / differences.length;
    expect(typical).toBeGreaterThan(1e-3);
    expect(Math.max(...errors) / typical).toBeLessThan(0.01);
  });

  it('gives padding and, in integrated gradients, kept tokens nothing', async () => {
    const reference = await readReference(`${name}.safetensors`);
    const kept = numbers(tensorNamed(reference, 'batch/input_ids')).slice(0, 2);
    const { batch, outputs } = await explained(5, kept);
    const ids = numbers(batch.get('input_ids'));
    const mask = numbers(batch.get('attention_mask'));
    const { attributions, integrated_gradients: integrated } = outputs;
    const [, axes = 0, length = 0] = integrated!.dims;
    const silent = (values: readonly number[]) =>
      ids.map((_, i) => {
        const [row, at] = [Math.floor(i / length), i % length];
        return Array.from({ length: axes }, (_, axis) => axis).every(
          (axis) => values[(row * axes + axis) * length + at] === 0,
        );
      });
    expect(silent(attributions!.values)).toEqual(mask.map((m) => m === 0));
    expect(silent(integrated!.values)).toEqual(
      mask.map((m, i) => m === 0 || kept.includes(ids[i]!)),
    );
  });
});

/** The largest matrix of the given width: the vocabulary is longer than anything else. */
async function wordEmbeddings(file: string, width: number): Promise<number[]> {
  const { graph } = await readModel(fixturePath(file));
  const tables = graph.initializers.filter(
    ({ initializer }) => initializer?.dims.length === 2 && initializer.dims[1] === width,
  );
  const largest = tables.sort((a, b) => b.initializer!.dims[0]! - a.initializer!.dims[0]!)[0];
  return numbers(largest?.initializer);
}
