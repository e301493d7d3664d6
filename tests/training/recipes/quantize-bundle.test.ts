import {
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { beforeEach, describe, expect, it } from '@jest/globals';
import { readBundle } from '../../../src/bundle/index.ts';
import { loadConfig } from '../../../src/config/index.ts';
import { Scorer } from '../../../src/engine/scorer.ts';
import { openModel } from '../../../src/models/open-model.ts';
import { updateBundle } from '../../../training/bundle/index.ts';
import { sampleCsv } from '../../../training/data/sample/writer.ts';
import { quantizeInto } from '../../../training/recipes/quantize-bundle.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';
import { tempered, tinyClassifier, writeTinyBundle } from '../../support/tiny-bundle.ts';

const folder = temporaryFolder();
let made = 0;
let dir = '';
let parent = '';

beforeEach(async () => {
  parent = join(folder.path, String(made++));
  dir = join(parent, 'tiny');
  mkdirSync(parent);
  // So small a model hardly answers otherwise in 8 bits: a low temperature shows it.
  const task = { ...tempered(0.05), text_column: 'posts', label_column: 'type' };
  const left_out = { 'onnx/model_quantized.onnx': 'not good enough' };
  const metrics = { test: { axes: {}, average: { macro_f1: 0.7 } } };
  await writeTinyBundle(dir, { task, left_out, metrics }, {}, tinyClassifier(4));
  writeFileSync(join(parent, 'texts.csv'), sampleCsv(40, 3));
});

const lines: string[] = [];
const screen = { write: (text: string) => lines.push(text) > 0 };
const any = ['quantize.min_agreement=0', 'quantize.max_mean_dp=1', 'quantize.max_f1_drop=1'];
const into = (change: Partial<Parameters<typeof quantizeInto>[0]> = {}) =>
  quantizeInto({
    bundle: dir,
    scheme: undefined,
    data: undefined,
    keep: () => false,
    settings: [],
    screen,
    ...change,
  });
const withTexts = (settings: readonly string[] = any) => ({
  data: join(parent, 'texts.csv'),
  settings,
});

describe('a smaller file that is put into a bundle', () => {
  it('is held to the fp32 answers on texts, and manifest, card and server follow', async () => {
    const before = (await readBundle(dir)).manifest;
    const { file, metrics } = await into(withTexts());
    expect(file).toBe('onnx/model_quantized.onnx');
    expect(metrics).toMatchObject({ scheme: 'int8', texts: 30, mean_dp: expect.any(Number) });
    const { manifest } = await readBundle(dir);
    expect(manifest.metrics?.int8).toEqual(metrics);
    expect(manifest).toMatchObject({ version: before.version, created: before.created });
    expect(manifest.metrics?.test).toEqual(before.metrics?.test);
    expect(manifest).not.toHaveProperty('left_out');
    const card = readFileSync(join(dir, 'README.md'), 'utf8');
    expect(card).toContain('## int8');
    expect(card).not.toContain('Not in this bundle');
    expect(readdirSync(parent).sort()).toEqual(['texts.csv', 'tiny']);
    const { spec, model } = await openModel({ dir }, loadConfig({ env: {} }).config);
    expect({ precision: model.precision, scheme: model.scheme }).toEqual({
      precision: 'int8',
      scheme: 'int8',
    });
    const { probabilities } = await (await Scorer.load(spec)).score('a quiet evening of books');
    expect(probabilities).toHaveLength(4);
  });

  it('is weight8 where nothing measures it, and the manifest, the card and the screen say so', async () => {
    lines.length = 0;
    const { metrics } = await into();
    expect(metrics).toEqual({ scheme: 'weight8', size_ratio: expect.any(Number) });
    expect(lines.join('')).toMatch(/warning +weight8 is not measured/);
    expect((await readBundle(dir)).manifest.metrics?.int8).toEqual(metrics);
    expect(readFileSync(join(dir, 'README.md'), 'utf8')).toContain('**It was not measured**');
    const { spec, model } = await openModel({ dir }, loadConfig({ env: {} }).config);
    expect(model).toMatchObject({ precision: 'int8', scheme: 'weight8' });
    await Scorer.load(spec);
  });

  it('replaces the one before it, and stands beside one in float16', async () => {
    await into();
    await into({ ...withTexts(), scheme: 'int8' });
    await into({ ...withTexts(), scheme: 'fp16' });
    const { metrics, files } = (await readBundle(dir)).manifest;
    expect([metrics?.int8?.scheme, metrics?.fp16?.scheme]).toEqual(['int8', 'fp16']);
    expect(
      Object.keys(files)
        .filter((file) => file.startsWith('onnx/'))
        .sort(),
    ).toEqual(['onnx/model.onnx', 'onnx/model_fp16.onnx', 'onnx/model_quantized.onnx']);
  });

  it('is refused where it misses a limit, and the bundle stays as it was', async () => {
    const before = readFileSync(join(dir, 'manifest.json'), 'utf8');
    const limits = ['quantize.max_mean_dp=0', 'quantize.texts=8'];
    const refused = into({ ...withTexts(limits), scheme: 'int8' });
    await expect(refused).rejects.toMatchObject({ code: 'quantization_refused', exitCode: 1 });
    await expect(refused).rejects.toThrow(/quantize.max_mean_dp is 0/);
    expect(readFileSync(join(dir, 'manifest.json'), 'utf8')).toBe(before);
  });

  it('leaves other files of the folder, and a link to it, in their place', async () => {
    writeFileSync(join(dir, 'NOTES.txt'), 'mine');
    const link = join(parent, 'current');
    symlinkSync('tiny', link);
    await into({ bundle: link });
    expect(lstatSync(link).isSymbolicLink()).toBe(true);
    expect(readFileSync(join(dir, 'NOTES.txt'), 'utf8')).toBe('mine');
    expect((await readBundle(link)).manifest.metrics?.int8?.scheme).toBe('weight8');
  });

  it('is not put into a bundle that was replaced meanwhile', async () => {
    const read = await readBundle(dir);
    await into();
    const before = readFileSync(join(dir, 'manifest.json'), 'utf8');
    const late = updateBundle(read, { 'onnx/model_fp16.onnx': new Uint8Array(3) }, (one) => one);
    await expect(late).rejects.toMatchObject({ code: 'bundle_invalid' });
    expect(readFileSync(join(dir, 'manifest.json'), 'utf8')).toBe(before);
    expect(readdirSync(parent).sort()).toEqual(['texts.csv', 'tiny']);
  });
});
