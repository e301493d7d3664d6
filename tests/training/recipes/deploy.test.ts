import { describe, expect, it } from '@jest/globals';
import { loadConfig } from '../../../src/config/index.ts';
import {
  distilbert,
  distilbertConfig,
  randomWeights,
} from '../../../training/architectures/index.ts';
import type { TokenizedExample } from '../../../training/data/index.ts';
import { Random } from '../../../training/data/random.ts';
import { decodeModel, encodeModel } from '../../../training/onnx/codec/index.ts';
import { fp16Stage, int8Stage } from '../../../training/recipes/deploy.ts';

/** Large enough that its weights, not its graph, are most of the file. */
const shape = distilbertConfig({
  vocab_size: 600,
  dim: 64,
  n_layers: 1,
  n_heads: 2,
  hidden_dim: 128,
  max_position_embeddings: 12,
});
const model = distilbert(shape, randomWeights(shape, 1), 2);
const random = new Random(4, 'deploy');
const examples = Array.from(
  { length: 12 },
  (_, i): TokenizedExample => ({
    ids: Int32Array.from({ length: 3 + random.int(6) }, () => 4 + random.int(20)),
    labels: Float32Array.of(i % 2, i % 3 === 0 ? 1 : 0),
  }),
);
const axes = ['a', 'b'].map((name) => ({
  name,
  labels: ['yes', 'no'] as const,
  threshold: 0.5,
  temperature: 1,
}));
const deployed = {
  model,
  fp32Size: encodeModel(model).length,
  validation: {
    examples,
    task: { name: 'toy', cleaning: 'none' as const, axes },
    batch: { maxLength: 12, tokenizer: { clsId: 2, sepId: 3, padId: 0 } },
  },
  calibration: examples,
};

const configWith = (flags: Readonly<Record<string, unknown>>) =>
  loadConfig({ flags: { 'runtime.device': 'cpu', 'runtime.threads': 1, ...flags } }).config;

function screen() {
  const lines: string[] = [];
  return { lines, write: (text: string) => lines.push(text) > 0 };
}

describe('the float16 file', () => {
  it.each([
    ['a run in fp16', { 'runtime.precision': 'fp16' }],
    ['a configuration that asks for it', { 'quantize.fp16': 'yes' }],
  ])('comes of %s, with what it is measured by', async (_name, flags) => {
    const { lines, ...out } = screen();
    const { files, metrics, refusal } = await fp16Stage(deployed, configWith(flags), out);
    expect(refusal).toBeUndefined();
    expect(Object.keys(files)).toEqual(['onnx/model_fp16.onnx']);
    const { graph } = decodeModel(files['onnx/model_fp16.onnx']!);
    expect(graph.initializers.some(({ type }) => type === 'float16')).toBe(true);
    expect(metrics).toMatchObject({ texts: 12, agreement: 1 });
    // A rounding is 2⁻¹¹ of a number; the logits of a model that has learnt nothing are small.
    expect(metrics?.max_dp).toBeLessThan(1e-3);
    expect(lines.join('')).toMatch(/^fp16 +\d+ layers, 0\.\d+ of the size\n/);
  });

  it.each([
    ['in fp32 on a CPU', {}],
    ['in fp16 that refuses it', { 'runtime.precision': 'fp16', 'quantize.fp16': 'no' }],
  ])('is not made by a run %s', async (_name, flags) => {
    expect(await fp16Stage(deployed, configWith(flags), screen())).toEqual({ files: {} });
  });
});

describe('the int8 file', () => {
  it('is left out, and said to be, where it is hardly smaller', async () => {
    const { lines, ...out } = screen();
    const config = configWith({ 'quantize.max_size_ratio': 0.1 });
    expect(await int8Stage(deployed, config, out)).toEqual({ files: {} });
    expect(lines.join('')).toMatch(/left out: not worth it at 0\.\d+ of the size/);
  });

  it('goes into the bundle with its size and answers', async () => {
    const config = configWith({ 'quantize.max_size_ratio': 1 });
    const { files, metrics } = await int8Stage(deployed, config, screen());
    const size = files['onnx/model_quantized.onnx']?.length ?? Number.NaN;
    expect(metrics?.size_ratio).toBe(size / deployed.fp32Size);
    expect(metrics?.texts).toBe(12);
  });
});
