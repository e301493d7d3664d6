import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import {
  distilbert,
  distilbertConfig,
  randomWeights,
} from '../../../training/architectures/index.ts';
import { encodeModel } from '../../../training/onnx/codec/index.ts';
import { readSafetensors } from '../../../training/onnx/safetensors.ts';
import { fixturePath } from '../../support/reference-tensors.ts';
import { runBin } from '../../support/run-bin.ts';
import { commandHost } from '../../support/run-commands.ts';

const bin = 'training/bin/mbti-model';
const run = commandHost();
let dir = '';

beforeAll(() => {
  dir = mkdtempSync(join(tmpdir(), 'mbti-model-'));
  const config = distilbertConfig({
    vocab_size: 50,
    dim: 8,
    n_layers: 1,
    n_heads: 2,
    hidden_dim: 16,
    max_position_embeddings: 16,
  });
  const bytes = encodeModel(distilbert(config, randomWeights(config, 1)));
  writeFileSync(join(dir, 'encoder.onnx'), bytes);
  writeFileSync(join(dir, 'cut.onnx'), bytes.subarray(0, bytes.length >> 1));
  writeFileSync(join(dir, 'text.onnx'), 'this is no ONNX model at all');
  writeFileSync(join(dir, 'empty.onnx'), '');
  const external = fixturePath('graphs/distilbert/dynamo-op18-sdpa-head-external.onnx');
  writeFileSync(join(dir, 'external.onnx'), readFileSync(external));
  mkdirSync(join(dir, 'no-bundle'));
});

afterAll(() => rmSync(dir, { recursive: true, force: true }));

const artifacts = (...args: string[]) => [
  'artifacts',
  '--model',
  'encoder.onnx',
  '--out',
  'a',
  ...args,
];

const refused: readonly [string, readonly string[], number, RegExp][] = [
  ['no command', [], 2, /artifacts, optimize, quantize, inspect or evaluate/],
  ['an unknown command', ['transmogrify'], 2, /transmogrify/],
  ['an unknown flag', ['inspect', 'encoder.onnx', '--frobnicate'], 2, /frobnicate/],
  ['a missing file', ['inspect', 'none.onnx'], 3, /none\.onnx/],
  ['a file cut in half', ['inspect', 'cut.onnx'], 1, /cut\.onnx/],
  ['a file that is no ONNX', ['inspect', 'text.onnx'], 1, /text\.onnx/],
  ['a file of no bytes', ['inspect', 'empty.onnx'], 1, /empty\.onnx/],
  ['artifacts of a missing file', ['artifacts', '--model', 'none.onnx', '--out', 'a'], 3, /none/],
  [
    'artifacts of a broken file',
    ['artifacts', '--model', 'cut.onnx', '--out', 'a'],
    1,
    /cut\.onnx/,
  ],
  ['artifacts without --out', ['artifacts', '--model', 'encoder.onnx'], 2, /out/],
  ['to keep logits that are not there', artifacts('--head', 'keep'), 2, /logits/],
  ['an unknown head', artifacts('--head', 'tail'), 2, /tail/],
  ['pos-weights of another number', artifacts('--pos-weight', '1,2'), 2, /pos-weight/],
  ['pos-weights that are no numbers', artifacts('--pos-weight', '1,2,x,4'), 2, /pos-weight/],
  ['labels that are no number', artifacts('--labels', 'many'), 2, /labels/],
  ['dropout of 1', artifacts('--dropout', '1'), 2, /dropout/],
  ['to quantize into no .onnx', ['quantize', 'encoder.onnx', '--out', 'a'], 2, /expected the name/],
  ['to quantize what is not there', ['quantize', 'none.onnx', '--out', 'a.onnx'], 3, /none\.onnx/],
  ['to quantize no ONNX', ['quantize', 'text.onnx', '--out', 'a.onnx'], 1, /text\.onnx/],
  ...['int8', 'weight8', 'weight4', 'fp16'].map((scheme): (typeof refused)[number] => [
    `to quantize to ${scheme} without the external data`,
    ['quantize', 'external.onnx', '--out', 'a.onnx', '--scheme', scheme],
    3,
    /external data of external\.onnx is missing: .*\.data/,
  ]),
  [
    'an unknown scheme',
    ['quantize', 'encoder.onnx', '--out', 'a.onnx', '--scheme', 'int3'],
    2,
    /int3/,
  ],
  [
    'to quantize into no folder',
    ['quantize', 'encoder.onnx', '--out', 'no/a.onnx'],
    1,
    /no\/a\.onnx/,
  ],
  [
    'texts without their bundle',
    ['quantize', 'encoder.onnx', '--out', 'a.onnx', '--data', 'x.csv'],
    2,
    /belong together/,
  ],
  ['nothing to quantize', ['quantize'], 2, /expected an \.onnx file with --out, or --into/],
  ['a bundle that is not there', ['quantize', '--into', 'none'], 3, /none/],
  [
    'a file and a bundle to quantize into',
    ['quantize', 'encoder.onnx', '--into', 'no-bundle'],
    2,
    /one or the other/,
  ],
  [
    'a setting that measures nothing',
    ['quantize', '--into', 'no-bundle', '--data', 'x.csv', 'train.epochs=3'],
    2,
    /train\.epochs=3: expected .*quantize\.min_agreement/,
  ],
  [
    'limits without texts to measure',
    ['quantize', '--into', 'no-bundle', 'quantize.min_agreement=0.9'],
    2,
    /without --data/,
  ],
  ['a precision that it cannot train in', artifacts('--precision', 'int8'), 2, /fp16/],
  [
    'a folder without a manifest',
    ['evaluate', '--model', 'no-bundle', '--data', 'x.csv'],
    3,
    /manifest/,
  ],
];

describe('mbti-model refuses, with a readable line and nothing left behind,', () => {
  it.each(refused)('%s', async (_name, args, code, says) => {
    const ended = await run(bin, args, { cwd: dir });
    expect({ code: ended.code, stderr: ended.stderr }).toEqual({
      code,
      stderr: expect.stringMatching(/^error: \S/),
    });
    expect(ended.stderr).toMatch(says);
    expect(ended.stderr).not.toMatch(/^\s+at |node:internal/m);
    expect(existsSync(join(dir, 'a'))).toBe(false);
    expect(existsSync(join(dir, 'a.onnx'))).toBe(false);
  });
});

describe('mbti-model', () => {
  it.each([[], ['artifacts'], ['inspect'], ['evaluate'], ['quantize']])(
    '%s --help explains itself',
    async (...words) => {
      const { code, stdout } = await run(bin, [...words, '--help'], { cwd: dir });
      expect(code).toBe(0);
      expect(stdout.length).toBeGreaterThan(100);
    },
  );

  it('fails in a process of its own as in one with others', async () => {
    const args = ['quantize', 'cut.onnx', '--out', 'a.onnx'];
    const ended = await runBin(bin, args, { cwd: dir });
    expect(ended).toEqual({ code: 1, stdout: '', stderr: expect.stringMatching(/^error: .*cut/) });
    expect(ended).toEqual(await run(bin, args, { cwd: dir }));
    const help = await runBin(bin, ['--help'], { cwd: dir });
    expect(help).toEqual(await run(bin, ['--help'], { cwd: dir }));
  });

  it('artifacts attaches a head of the wanted labels where the graph has no logits, in float16', async () => {
    const args = [
      'artifacts',
      '--model',
      'encoder.onnx',
      '--out',
      'made',
      '--labels',
      '3',
      '--precision',
      'fp16',
    ];
    const { code, stderr } = await runBin(bin, args, { cwd: dir });
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    for (const name of [
      'training_model.onnx',
      'eval_model.onnx',
      'optimizer_model.onnx',
      'train_loop.onnx',
      'artifacts.json',
    ]) {
      expect({ name, there: existsSync(join(dir, 'made', name)) }).toEqual({ name, there: true });
    }
    const { tensors } = await readSafetensors(join(dir, 'made/checkpoint.safetensors'));
    expect(tensors.get('head.out.bias')?.dims).toEqual([3]);
    const description = JSON.parse(readFileSync(join(dir, 'made/artifacts.json'), 'utf8'));
    expect(description.hyper_parameters.precision).toBe('fp16');
  });

  it('quantize makes a smaller file once, and refuses to quantize that again', async () => {
    for (const scheme of ['weight8', 'fp16', 'int8']) {
      const again = ['quantize', 'encoder.onnx', '--out', 'small.onnx', '--json'];
      const ended = await run(bin, [...again, '--scheme', scheme], { cwd: dir });
      const { code, stdout, stderr } = ended;
      expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
      const { layers, metrics } = JSON.parse(stdout);
      expect(layers.length).toBe(8);
      expect(metrics.size_ratio).toBeGreaterThan(0);
    }
    const args = ['quantize', 'small.onnx', '--out', 'smaller.onnx'];
    const refusal = await run(bin, args, { cwd: dir });
    expect(refusal.code).toBe(1);
    expect(refusal.stderr).toContain('quantized already');
    expect(existsSync(join(dir, 'smaller.onnx'))).toBe(false);
  });

  it('inspect says what a graph holds, for people and as JSON', async () => {
    const text = await runBin(bin, ['inspect', 'encoder.onnx'], { cwd: dir });
    expect(text.stdout).toMatch(/input_ids +int64 +\[batch, sequence\]/);
    expect(text.stdout).toMatch(/MatMul +\d+ +rule +CPU, CUDA, WebGPU/);
    const { stdout } = await run(bin, ['inspect', 'encoder.onnx', '--json'], { cwd: dir });
    const { parameters, parameter_count, opsets, size } = JSON.parse(stdout);
    expect(parameter_count).toBe(
      parameters.reduce((sum: number, { elements }: { elements: number }) => sum + elements, 0),
    );
    expect(opsets['']).toBeGreaterThanOrEqual(17);
    expect(size).toBeGreaterThan(4 * parameter_count);
  });
});
