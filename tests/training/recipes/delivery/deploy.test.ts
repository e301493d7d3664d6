import { describe, expect, it } from '@jest/globals';
import { loadConfig } from '../../../../src/config/index.ts';
import { decodeModel, encodeModel } from '../../../../training/onnx/codec/index.ts';
import {
  choose,
  missingFiles,
  placeOf,
  quantizedSummary,
  smallerFiles,
} from '../../../../training/recipes/delivery/deploy.ts';
import {
  encoded,
  quantizeChecked,
} from '../../../../training/recipes/delivery/int8/quantize-checked.ts';
import { toyModel, toyTexts } from './toy-task.ts';

/** Large enough that its weights, not its graph, are most of the file; and that its answers tell files apart. */
const model = toyModel({
  vocab_size: 600,
  dim: 64,
  n_layers: 2,
  hidden_dim: 128,
  initializer_range: 0.3,
});
const validation = toyTexts({ name: 'deploy', count: 12, ids: 20, maxWindows: 2 });
const deployed = { model, validation, calibration: validation.examples };

/** Without texts for smoothing, which takes time. */
const plain = { ...deployed, calibration: [] };
const fp32Size = encodeModel(model).length;

const configWith = (flags: Readonly<Record<string, unknown>>) =>
  loadConfig({ flags: { 'runtime.device': 'cpu', 'runtime.threads': 1, ...flags } }).config;

function screen() {
  const lines: string[] = [];
  return { lines, write: (text: string) => lines.push(text) > 0 };
}

/** Limits that a scheme of this model has to be good for, whatever its size. */
const anySize = {
  'quantize.max_size_ratio': 1,
  'quantize.min_agreement': 0,
  'quantize.max_f1_drop': 1,
};

describe('the float16 file', () => {
  it.each([
    ['a run in fp16', { 'runtime.precision': 'fp16' }],
    ['a configuration that asks for it', { 'quantize.fp16': 'yes' }],
  ])('comes of %s, with what it is measured by', async (_name, flags) => {
    const { lines, ...out } = screen();
    const config = configWith({ 'quantize.scheme': 'none', ...flags });
    const { files, metrics, leftOut } = await smallerFiles(deployed, config, out);
    expect(leftOut).toEqual({});
    expect(Object.keys(files)).toEqual(['onnx/model_fp16.onnx']);
    const { graph } = decodeModel(files['onnx/model_fp16.onnx']!);
    expect(graph.initializers.some(({ type }) => type === 'float16')).toBe(true);
    expect(metrics.fp16).toMatchObject({ scheme: 'fp16', texts: 12, agreement: 1 });
    // A rounding is 2⁻¹¹ of a number.
    expect(metrics.fp16?.max_dp).toBeLessThan(5e-3);
    expect(lines.join('')).toMatch(/^fp16 +\d+ layers, 0\.\d+ of the size\n/);
  });

  it.each([
    ['in fp32 on a CPU', {}],
    ['in fp16 that refuses it', { 'runtime.precision': 'fp16', 'quantize.fp16': 'no' }],
  ])('is not made by a run %s', async (_name, flags) => {
    const config = configWith({ 'quantize.scheme': 'none', ...flags });
    expect(await smallerFiles(deployed, config, screen())).toEqual({
      files: {},
      metrics: {},
      leftOut: {},
    });
  });
});

describe('the lines for the screen', () => {
  it('show every figure of a smaller file, with the sign of what it changes', () => {
    const metrics = {
      texts: 60,
      decisions: 120,
      agreement: 0.9875,
      mean_dp: 0.0042,
      max_dp: 0.1234,
      macro_f1_change: -0.0123,
      macro_f1_interval: [-0.0301, 0.0045] as const,
      size_ratio: 0.2549,
    };
    const quantized = { model, layers: [], kept: ['head'] };
    const lines = quantizedSummary('int8', {
      bytes: new Uint8Array(),
      harms: [],
      metrics,
      quantized,
    });
    expect(lines.split('\n').map((line) => line.trim())).toEqual([
      'int8       0 layers, 0.255 of the size; in fp32: head',
      '60 texts: agreement 0.9875, mean |Δp| 0.0042, largest 0.1234, macro-F1 −0.0123 (−0.0301 to +0.0045)',
    ]);
  });
});

describe('the 8-bit file', () => {
  const path = 'onnx/model_quantized.onnx';

  it('is left out, and said to be, where it is hardly smaller', async () => {
    const { lines, ...out } = screen();
    const config = configWith({ 'quantize.max_size_ratio': 0.1 });
    const { files, metrics, leftOut } = await smallerFiles(deployed, config, out);
    expect({ files, metrics }).toEqual({ files: {}, metrics: {} });
    expect(leftOut[path]).toMatch(/int8 file is not worth it.*weight8 file is not worth it/);
    expect(lines.join('')).toMatch(/left out: not worth it at 0\.\d+ of the size/);
  });

  it('may be as large as the limit of its size, and no larger', async () => {
    const config = configWith({ ...anySize, 'quantize.max_mean_dp': 1 });
    const share = encoded(model, 'int8').bytes.length / fp32Size;
    const within = (largest: number) =>
      choose(placeOf('int8'), plain, config, { screen: screen(), largest });
    expect((await within(share)).chosen?.scheme).toBe('int8');
    const { chosen, reasons } = await within(share - Number.EPSILON);
    expect(chosen).toBeUndefined();
    expect(reasons.join()).toMatch(/the int8 file is not worth it/);
  });

  it('is int8 where that keeps the limits, with its size and answers', async () => {
    const config = configWith({ ...anySize, 'quantize.max_mean_dp': 0.1 });
    const { files, metrics, leftOut } = await smallerFiles(deployed, config, screen());
    const size = files[path]?.length ?? Number.NaN;
    expect(metrics.int8).toMatchObject({ scheme: 'int8', texts: 12 });
    expect(metrics.int8?.size_ratio).toBe(size / fp32Size);
    expect(leftOut).toEqual({});
  });

  it('is weight8 where int8 misses them and weight8 does not, and says so', async () => {
    const { lines, ...out } = screen();
    const config = configWith({ ...anySize, 'quantize.max_mean_dp': 1 });
    const impossible = { ...config.quantize, max_mean_dp: 0 };
    const { files, metrics } = await smallerFiles(plain, config, out, (from, texts, options) =>
      quantizeChecked(
        from,
        texts,
        options.scheme === 'int8' ? { ...options, limits: impossible } : options,
      ),
    );
    expect(metrics.int8).toMatchObject({ scheme: 'weight8', texts: 12 });
    const { graph } = decodeModel(files[path]!);
    expect([...graph.nodes].some(({ op }) => op === 'MatMulNBits')).toBe(true);
    expect(lines.join('')).toMatch(/^int8 .*; refused\n(.*\n)*weight8 +\d+ layers/m);
  });

  it('is not there where both miss them: the reasons name the limit, and the error the remedy', async () => {
    const config = configWith({ ...anySize, 'quantize.max_mean_dp': 0 });
    const { files, metrics, leftOut } = await smallerFiles(plain, config, screen());
    expect({ files: Object.keys(files), metrics }).toEqual({ files: [], metrics: {} });
    expect(leftOut[path]).toMatch(/int8 model is not good enough.*max_mean_dp is 0.*weight8 model/);
    const missing = missingFiles('models/toy', leftOut);
    expect(missing).toMatchObject({ code: 'quantization_refused', exitCode: 1 });
    expect(missing?.hint).toContain('mbti-model quantize --into models/toy');
    expect(missingFiles('models/toy', {})).toBeUndefined();
  });

  it('is measured on fewer texts where texts are long: their windows have a bound together', async () => {
    const ids = Int32Array.from({ length: 20 }, (_, i) => 4 + i);
    const long = deployed.validation.examples.map(({ labels }) => ({ ids, labels }));
    const validation = {
      ...deployed.validation,
      examples: long,
      batch: { ...deployed.validation.batch, maxLength: 6, maxWindows: 32 },
    };
    // Five windows a text: 4 · 3 windows are two texts.
    const config = configWith({ ...anySize, 'quantize.max_mean_dp': 1, 'quantize.texts': 3 });
    const { metrics } = await smallerFiles({ ...deployed, validation }, config, screen());
    expect(metrics.int8?.texts).toBe(2);
  });
});
