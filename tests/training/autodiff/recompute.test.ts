import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { InferenceSession } from 'onnxruntime-node';
import { type CompileOptions, compileArtifacts } from '../../../training/artifacts/index.ts';
import { encodeModel, readModel } from '../../../training/onnx/codec/index.ts';
import type { Graph } from '../../../training/onnx/graph.ts';
import { intTensor, type Tensor, tensorOf } from '../../../training/onnx/tensor.ts';
import { problemsOf } from '../../../training/onnx/verify.ts';
import { Random } from '../../../training/random.ts';
import { fixturePath, maxDifference } from '../../support/reference-tensors.ts';
import { runSession, sessionOf } from '../../support/run-graph.ts';
import { compileOptions, compileTiny } from '../../support/tiny-distilbert.ts';

const compileFixture = async (file: string, changes: Partial<CompileOptions>) =>
  compileArtifacts(await readModel(fixturePath(file)), {
    ...compileOptions,
    head: 'keep',
    labels: 4,
    ...changes,
  });

const count = (graph: Graph, op: string): number =>
  [...graph.nodes].filter((node) => node.op === op).length;

/** A batch with padding, in the inputs that the graph has. */
function batchOf(graph: Graph): Record<string, Tensor> {
  const random = new Random(2, 'batch');
  const [rows, length] = [3, 9];
  const ids = Array.from({ length: rows * length }, () => 2 + random.int(100));
  const inputs: Record<string, readonly number[]> = {
    input_ids: ids,
    attention_mask: ids.map((_, i) => (i % length < length - Math.floor(i / length) ? 1 : 0)),
    token_type_ids: ids.map((_, i) => (i % length > 5 ? 1 : 0)),
  };
  const labels = Float32Array.from({ length: rows * 4 }, (_, i) => i % 2);
  const fed: Record<string, Tensor> = { labels: tensorOf('float32', [rows, 4], labels) };
  for (const { name } of graph.inputs) {
    if (inputs[name]) fed[name] = intTensor([rows, length], inputs[name]);
  }
  return fed;
}

describe('recomputation by layers', () => {
  it.each([
    ['graphs/distilbert/legacy-op14-eager-head.onnx', 0],
    ['graphs/distilbert/legacy-op17-sdpa-head-nofold.onnx', 0.2],
    ['graphs/distilbert/legacy-op17-sdpa-head.onnx', 0.2],
    ['graphs/distilbert/dynamo-op18-sdpa-head-external.onnx', 0.2],
    ['graphs/bert/legacy-op17-sdpa-head.onnx', 0.2],
    ['families/distilbert-dynamo-op23-sdpa.onnx', 0.2],
    ['families/mpnet-dynamo-op18-eager.onnx', 0.2],
  ])(
    'gives the gradients that all kept activations give: %s, dropout %d',
    async (file, dropout) => {
      const kept = await compileFixture(file, { dropout });
      const again = await compileFixture(file, { dropout, recompute: 'layers' });
      expect(count(again.training.graph, 'Softmax')).toBeGreaterThan(
        count(kept.training.graph, 'Softmax'),
      );
      expect(count(again.training.graph, 'Dropout')).toBe(count(kept.training.graph, 'Dropout'));
      expect(problemsOf(again.training.graph)).toEqual([]);
      const feeds = { ...batchOf(kept.training.graph), ...Object.fromEntries(kept.initial) };
      const [before, after] = await Promise.all(
        [kept, again].map(async ({ training }) =>
          runSession(await sessionOf(training.graph), feeds),
        ),
      );
      expect(Object.keys(after!)).toEqual(Object.keys(before!));
      const peak = (values: readonly number[]): number =>
        Math.max(...values.map((x) => Math.abs(x)));
      // A key projection's bias has a gradient of rounding alone: it is measured against the others.
      const peaks = Object.values(before!).map(({ values }) => peak(values));
      const floor = 0.1 * peaks.sort((x, y) => x - y)[peaks.length >> 1]!;
      for (const [name, { values }] of Object.entries(before!)) {
        const error = maxDifference(after![name]!.values, values) / Math.max(floor, peak(values));
        // The same operations on the same numbers; the runtime may fuse them in another way.
        expect({ name, ok: error < 1e-6, error }).toEqual({ name, ok: true, error });
      }
    },
  );

  it('is not undone by the runtime, which merges what is computed twice', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'recompute-'));
    const optimizedModelFilePath = join(folder, 'optimized.onnx');
    const { training } = compileTiny({ recompute: 'layers', dropout: 0.1 });
    const session = await InferenceSession.create(encodeModel(training), {
      graphOptimizationLevel: 'extended',
      optimizedModelFilePath,
      logSeverityLevel: 3,
    });
    await session.release();
    const { graph } = await readModel(optimizedModelFilePath);
    await rm(folder, { recursive: true });
    expect(count(training.graph, 'Softmax')).toBe(3);
    expect(count(graph, 'Softmax')).toBe(3);
  });

  it('computes nothing again of layers that are frozen', () => {
    const frozen = ['distilbert.embeddings.*', 'distilbert.transformer.*'];
    const kept = compileTiny({ frozen });
    const again = compileTiny({ frozen, recompute: 'layers' });
    expect(again.training.graph.nodes.size).toBe(kept.training.graph.nodes.size);
  });

  it('refuses a graph without layers to tell apart', async () => {
    const compiling = compileFixture('families/albert-legacy-op17-sdpa.onnx', {
      recompute: 'layers',
    });
    await expect(compiling).rejects.toMatchObject({
      code: 'config_invalid',
      message: expect.stringContaining('finds no layers'),
    });
  });
});
