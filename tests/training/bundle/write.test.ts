import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { readBundle } from '../../../src/bundle/index.ts';
import { classifierConfig, modelCard, writeBundle } from '../../../training/bundle/index.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';
import { anyManifest, mbtiTask, tinyGraph, writeTinyBundle } from '../../support/tiny-bundle.ts';

const folder = temporaryFolder();
const dirOf = (name: string) => join(folder.path, name, 'model');
const contents = {
  model: new Uint8Array([1, 2, 3]),
  tokenizerJson: '{}',
  tokenizerConfig: '{}',
  hfConfig: {},
  manifest: anyManifest,
};

describe('writeBundle', () => {
  it('writes what readBundle accepts, in the layout of Hugging Face', async () => {
    const dir = dirOf('plain');
    const manifest = await writeTinyBundle(dir);
    expect((await readBundle(dir)).manifest).toEqual(JSON.parse(JSON.stringify(manifest)));
    expect(Object.keys(manifest.files).sort()).toEqual([
      'README.md',
      'config.json',
      'onnx/model.onnx',
      'tokenizer.json',
      'tokenizer_config.json',
    ]);
    expect(readdirSync(join(dir, '..'))).toEqual(['model']);
  });

  it('takes the first 12 digits of the graph as version unless one is given', async () => {
    const manifest = await writeTinyBundle(dirOf('version'));
    expect(manifest.version).toBe(manifest.files['onnx/model.onnx']!.sha256.slice(0, 12));
    expect((await writeTinyBundle(dirOf('version'), { version: 'v7' })).version).toBe('v7');
  });

  it('copies a graph that is given by its path', async () => {
    const dir = dirOf('path');
    await writeBundle({ ...contents, dir, model: tinyGraph });
    expect(readFileSync(join(dir, 'onnx/model.onnx'))).toEqual(readFileSync(tinyGraph));
  });

  it('replaces an older bundle whole: none of its files is left', async () => {
    const dir = dirOf('replace');
    await writeBundle({ ...contents, dir, extraFiles: { 'onnx/old.onnx': new Uint8Array([9]) } });
    await writeTinyBundle(dir);
    expect(existsSync(join(dir, 'onnx/old.onnx'))).toBe(false);
    await readBundle(dir);
    expect(readdirSync(join(dir, '..'))).toEqual(['model']);
  });

  it('leaves the old bundle untouched and nothing behind when it fails', async () => {
    const dir = dirOf('failing');
    await writeTinyBundle(dir);
    const before = readFileSync(join(dir, 'manifest.json'), 'utf8');
    const missing = join(folder.path, 'none.onnx');
    const failing = writeBundle({ ...contents, dir, model: missing });
    await expect(failing).rejects.toMatchObject({ code: 'write_failed' });
    expect(readFileSync(join(dir, 'manifest.json'), 'utf8')).toBe(before);
    await readBundle(dir);
    expect(readdirSync(join(dir, '..'))).toEqual(['model']);
  });

  it('does not replace a folder that is no bundle', async () => {
    const dir = dirOf('foreign');
    mkdirSync(dir, { recursive: true });
    writeFileSync(join(dir, 'thesis.txt'), 'years of work');
    await expect(writeBundle({ ...contents, dir })).rejects.toMatchObject({
      code: 'usage',
      hint: expect.stringContaining('model.out=DIR'),
    });
    expect(readFileSync(join(dir, 'thesis.txt'), 'utf8')).toBe('years of work');
  });

  it('writes no manifest that readBundle would refuse', async () => {
    const dir = dirOf('refused');
    const manifest = { ...anyManifest, max_length: 0 };
    await expect(writeBundle({ ...contents, dir, manifest })).rejects.toThrow(/max_length/);
    expect(existsSync(dir)).toBe(false);
  });
});

describe('classifierConfig', () => {
  it('names every logit by its positive label, with the axis where two axes share it', () => {
    const axis = (name: string, first: string) => ({
      name,
      labels: [first, 'no'] as [string, string],
      threshold: 0.5,
      temperature: 1,
    });
    const task = { axes: [axis('spam', 'yes'), axis('rude', 'yes'), axis('tone', 'warm')] };
    expect(classifierConfig({ dim: 8 }, task)).toEqual({
      architectures: ['DistilBertForSequenceClassification'],
      model_type: 'distilbert',
      dim: 8,
      problem_type: 'multi_label_classification',
      num_labels: 3,
      id2label: { 0: 'spam:yes', 1: 'rude:yes', 2: 'warm' },
      label2id: { 'spam:yes': 0, 'rude:yes': 1, warm: 2 },
    });
  });
});

describe('modelCard', () => {
  const set = (f1: number) => ({
    axes: Object.fromEntries(
      mbtiTask.axes.map(({ name }) => [
        name,
        { accuracy: 0.75, macro_f1: f1, log_loss: 0.6, ece: 0.1 },
      ]),
    ),
    average: { accuracy: 0.75, macro_f1: f1, log_loss: 0.6 },
  });
  const uncalibrated = {
    axes: Object.fromEntries(mbtiTask.axes.map(({ name }) => [name, { log_loss: 0.9, ece: 0.2 }])),
    average: {},
  };
  const card = modelCard(
    {
      ...anyManifest,
      format_version: 1,
      version: 'abc',
      files: {},
      created: '2026-01-01T00:00:00.000Z',
      metrics: { test: set(0.712), uncalibrated: { test: uncalibrated } },
      baselines: { majority: set(0.435) },
    },
    { dataLicense: 'CC0-1.0', command: 'npx mbti-train --config configs/quick.json' },
  );

  it('shows the measured numbers beside the baselines', () => {
    expect(card).toContain('| this model, test | 0.750 / 0.712 / 0.600 |');
    expect(card).toContain('| majority | 0.750 / 0.435 / 0.600 |');
  });

  it('shows the temperatures with what they change', () => {
    expect(card).toContain('| E/I | 1.000 | 0.900 → 0.600 | 0.200 → 0.100 |');
  });

  it('shows how the smaller file answers, with the sign of what it changes', () => {
    const int8 = {
      scheme: 'int8',
      texts: 60,
      agreement: 0.9875,
      mean_dp: 0.0042,
      max_dp: 0.1234,
      macro_f1_change: -0.0123,
      macro_f1_interval: [-0.0301, 0.0045] as const,
      size_ratio: 0.2549,
    };
    const text = modelCard({
      ...anyManifest,
      format_version: 1,
      version: 'abc',
      files: {},
      created: '2026-01-01T00:00:00.000Z',
      metrics: { int8 },
    });
    for (const row of [
      '| same decisions | 0.9875 |',
      '| mean difference of probability | 0.0042 |',
      '| largest difference of probability | 0.1234 |',
      '| change of macro-F1 | −0.0123 |',
      '| its 95 % interval | −0.0301 to +0.0045 |',
      '| size of the file | 0.255 |',
    ])
      expect(text).toContain(row);
    expect(text).toContain('measured on 60 texts');
  });

  it('names the scheme of the 8-bit file, that it was not measured, and why there is none', () => {
    const manifest = {
      ...anyManifest,
      format_version: 1 as const,
      version: 'abc',
      files: {},
      created: '2026-01-01T00:00:00.000Z',
    };
    const unmeasured = { metrics: { int8: { scheme: 'weight8', size_ratio: 0.26 } } };
    const text = modelCard({ ...manifest, ...unmeasured });
    expect(text).toContain('| weights | weight8: blocks of 8 bits');
    expect(text).toContain('**It was not measured**');
    const left_out = { 'onnx/model_quantized.onnx': 'not good enough' };
    const without = modelCard({ ...manifest, left_out });
    expect(without).toContain('- `onnx/model_quantized.onnx`: not good enough');
  });

  it('says how int8 and float16 answer beside fp32, where there are such files', () => {
    const int8 = { agreement: 0.9934, mean_dp: 0.0042, max_dp: 0.1, size_ratio: 0.254 };
    const manifest = {
      ...anyManifest,
      format_version: 1 as const,
      version: 'abc',
      files: {},
      created: '2026-01-01T00:00:00.000Z',
      metrics: {
        int8: {
          ...{ ...int8, texts: 1000, fp32_layers: ['layer.0.lin2'] },
          macro_f1_change: -0.00125,
          macro_f1_interval: [-0.0203, 0.0101] as const,
        },
        fp16: { ...int8, agreement: 1, size_ratio: 0.5 },
      },
    };
    const text = modelCard(manifest);
    expect(text).toContain('| same decisions | 0.9934 |');
    expect(text).toContain('| mean difference of probability | 0.0042 |');
    expect(text).toContain('| largest difference of probability | 0.1000 |');
    expect(text).toContain('| change of macro-F1 | −0.0013 |');
    expect(text).toContain('| its 95 % interval | −0.0203 to +0.0101 |');
    expect(text).toContain('| size of the file | 0.254 |');
    expect(text).toContain('measured on 1000 texts');
    expect(text).toContain('Computed in fp32, by measurement: layer.0.lin2.');
    expect(text).toContain('`onnx/model_fp16.onnx` beside `onnx/model.onnx`; a server on a GPU');
    expect(text).toContain('| same decisions | 1.0000 |');
    expect(card).not.toMatch(/model_quantized|model_fp16/);
  });

  it('has a blank line around every heading and before every table', () => {
    const lines = card.slice(card.indexOf('\n# ') + 1).split('\n');
    for (const [i, line] of lines.entries()) {
      if (!/^#+ /.test(line)) continue;
      expect([line, lines[i + 1]]).toEqual([line, '']);
      if (i > 0) expect([line, lines[i - 1]]).toEqual([line, '']);
    }
    const tables = lines.flatMap((line, i) => (/^\| ---/.test(line) ? [lines[i - 2]] : []));
    expect(tables.length).toBeGreaterThan(1);
    expect(new Set(tables)).toEqual(new Set(['']));
  });

  it('states licence, misuse and how to reproduce it', () => {
    expect(card).toContain('CC0-1.0');
    expect(card).toMatch(/not for hiring/i);
    expect(card).toMatch(/not for diagnosis/i);
    expect(card).toContain('npx mbti-train --config configs/quick.json');
  });
});
