import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { InferenceSession, Tensor as OrtTensor } from 'onnxruntime-node';
import { readBundle } from '../../src/bundle/index.ts';
import { TextTokenizer } from '../../src/text/index.ts';
import { evaluationBatches } from '../../training/data/index.ts';
import { sampleCsv } from '../../training/data/sample/writer.ts';
import { readSafetensors } from '../../training/onnx/safetensors.ts';
import { elementsOf } from '../../training/onnx/tensor.ts';
import { type Ended, runBin } from '../support/run-bin.ts';
import { commandHost } from '../support/run-commands.ts';

const train = 'training/bin/mbti-train';
const host = commandHost();
let dir = '';
const at = (...names: string[]) => join(dir, ...names);
const readJson = (...names: string[]) => JSON.parse(readFileSync(at(...names), 'utf8'));

/** One layer of 16: what is checked here does not depend on the size. */
const tiny = {
  seed: 7,
  data: { source: 'sample.csv' },
  model: {
    base: {
      init: { dim: 16, n_layers: 1, n_heads: 2, hidden_dim: 32, max_position_embeddings: 64 },
    },
    tokenizer: 'train',
    vocab_size: 400,
  },
  train: {
    epochs: 2,
    batch_size: 16,
    max_length: 32,
    learning_rate: 3e-3,
    warmup_steps: 4,
    pos_weight: 'balanced',
  },
  runtime: { device: 'cpu', threads: 1 },
};

beforeAll(() => {
  dir = mkdtempSync(join(tmpdir(), 'mbti-e2e-train-'));
  writeFileSync(at('sample.csv'), sampleCsv(200, 5));
  writeFileSync(at('tiny.json'), JSON.stringify(tiny));
});

afterAll(() => rmSync(dir, { recursive: true, force: true }));

describe('a training run', () => {
  let first: Ended;

  beforeAll(async () => {
    first = await runBin(train, ['--config', 'tiny.json', 'run.name=one'], { cwd: dir });
  }, 60_000);

  it('ends with exit code 0 and shows data, loss, both validations and the test table', () => {
    expect({ code: first.code, stderr: first.stderr }).toEqual({ code: 0, stderr: '' });
    expect(first.stdout).toMatch(/\d+ of 200 rows/);
    expect(first.stdout).toMatch(/step \d+\/\d+ .*loss \d/);
    expect(first.stdout.match(/^epoch \d, step \d+: training loss/gm)).toHaveLength(2);
    expect(first.stdout).toMatch(/^E\/I +\d\.\d{3}/m);
    expect(first.stdout).toContain('wrote models/one');
  });

  it('leaves artifacts, checkpoints, configuration, metrics and a log in the run folder', () => {
    for (const name of [
      'artifacts/training_model.onnx',
      'artifacts/eval_model.onnx',
      'artifacts/optimizer_model.onnx',
      'artifacts/train_loop.onnx',
      'artifacts/artifacts.json',
      'checkpoints/best.safetensors',
      'checkpoints/last.safetensors',
      'config.json',
      'metrics.json',
    ]) {
      expect({ name, there: existsSync(at('runs/one', name)) }).toEqual({ name, there: true });
    }
    expect(readJson('runs/one/config.json').train.epochs).toBe(2);
    const events = readFileSync(at('runs/one/log.jsonl'), 'utf8')
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line));
    const steps = events.filter(({ event }) => event === 'step');
    expect(steps.map(({ step }) => step)).toEqual(steps.map((_, i) => i + 1));
    expect(events.filter(({ event }) => event === 'validation')).toHaveLength(2);
    expect(events.at(-1).event).toBe('result');
  });

  it('says that there is no 8-bit file, in its last lines and in the manifest, and ends well', async () => {
    const { left_out: leftOut } = (await readBundle(at('models/one'))).manifest;
    expect(leftOut?.['onnx/model_quantized.onnx']).toMatch(/the int8 file is not worth it at/);
    expect(first.stdout.trim().split('\n').slice(-2).join('\n')).toMatch(
      /^warning +models\/one has no onnx\/model_quantized\.onnx: the int8 .*\n {11}add one with: mbti-model quantize --into models\/one/,
    );
    expect(existsSync(at('runs/one/finished.json'))).toBe(true);
  });

  it('ends with exit code 1 without it where quantize.required asks for it, and writes the bundle', async () => {
    const args = ['--config', 'tiny.json', 'run.name=required', 'train.max_steps=1'];
    const ended = await host(train, [...args, 'quantize.required=true'], { cwd: dir });
    expect(ended.code).toBe(1);
    expect(ended.stderr).toMatch(/^error: models\/required has no onnx\/model_quantized\.onnx: /);
    await readBundle(at('models/required'));
    expect(existsSync(at('runs/required/finished.json'))).toBe(false);
  }, 60_000);

  it('writes a bundle that the serving side accepts, with metrics beside the majority class', async () => {
    const { manifest } = await readBundle(at('models/one'));
    expect(manifest.task.axes.map(({ name }) => name)).toEqual(['E/I', 'S/N', 'T/F', 'J/P']);
    expect(manifest.max_length).toBe(32);
    expect(Object.keys(manifest.files)).toContain('onnx/explain.onnx');
    expect(readJson('models/one/tokenizer_config.json').model_max_length).toBe(32);
    const kinds = [
      manifest.metrics?.test,
      manifest.metrics?.validation,
      manifest.baselines?.majority,
    ];
    for (const kind of kinds) {
      expect(kind?.axes['E/I']).toMatchObject({
        accuracy: expect.any(Number),
        macro_f1: expect.any(Number),
      });
      expect(kind?.average.macro_f1).toEqual(expect.any(Number));
    }
    expect(Object.keys(manifest.reference?.features ?? {})).toEqual([
      ...manifest.task.axes.map(({ name }) => name),
      'text_length',
      'unknown_rate',
    ]);
    expect(manifest.config_hash).toMatch(/^[0-9a-f]{64}$/);
    expect(manifest.data_hash).toMatch(/^[0-9a-f]{64}$/);
    expect(manifest.packages['onnxruntime-node']).toBe('1.30.0');
  });

  it("gives in the bundle's model the logits of the evaluation graph with the best checkpoint", async () => {
    const tokenizer = TextTokenizer.load(at('models/one'));
    const texts = ['I like to stay at home with a good book.', 'Parties! People! Plans!'];
    const examples = texts.map((text) => ({
      ids: Int32Array.from(tokenizer.encode(text)),
      labels: new Float32Array(4),
    }));
    const options = { batchSize: 2, maxLength: 32, maxWindows: 1, tokenizer };
    const batch = evaluationBatches(examples, options).at(0);
    const shape = [batch.size, batch.length];
    const inputs = {
      input_ids: new OrtTensor('int64', batch.inputIds, shape),
      attention_mask: new OrtTensor('int64', batch.attentionMask, shape),
    };
    const bundled = await InferenceSession.create(at('models/one/onnx/model.onnx'));
    const evaluation = await InferenceSession.create(at('runs/one/artifacts/eval_model.onnx'));
    const { tensors } = await readSafetensors(at('runs/one/checkpoints/best.safetensors'));
    const parameters = [...tensors].filter(([name]) => evaluation.inputNames.includes(name));
    const { logits: expected } = await evaluation.run({
      ...inputs,
      labels: new OrtTensor('float32', batch.labels, [batch.size, 4]),
      ...Object.fromEntries(
        parameters.map(([name, tensor]) => [
          name,
          new OrtTensor('float32', elementsOf(tensor) as Float32Array, tensor.dims),
        ]),
      ),
    });
    const { logits } = await bundled.run(inputs);
    const [a, b] = [logits?.data as Float32Array, expected?.data as Float32Array];
    expect(a).toHaveLength(8);
    a.forEach((value, i) => {
      expect(value).toBeCloseTo(b[i] ?? Number.NaN, 5);
    });
  });

  it('gives the same model, byte for byte, when it is run again', async () => {
    const args = ['--config', 'tiny.json', 'run.name=two'];
    expect((await host(train, args, { cwd: dir })).code).toBe(0);
    const bytes = (name: string) => readFileSync(at('models', name, 'onnx/model.onnx'));
    expect(bytes('one').equals(bytes('two'))).toBe(true);
    expect(readJson('models/two/manifest.json').version).toBe(
      readJson('models/one/manifest.json').version,
    );
  }, 60_000);

  it('is measured again by mbti-model evaluate, from the bundle and a CSV alone', async () => {
    const args = ['evaluate', '--model', 'models/one', '--data', 'sample.csv', '--json'];
    const { code, stdout, stderr } = await host('training/bin/mbti-model', args, { cwd: dir });
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    const { axes, average, rows, baselines } = JSON.parse(stdout);
    expect(rows).toBeGreaterThan(150);
    expect(Object.keys(axes)).toEqual(['E/I', 'S/N', 'T/F', 'J/P']);
    expect(average.accuracy).toBeGreaterThan(0.3);
    expect(baselines.majority.average.macro_f1).toBeLessThan(0.5);
  });
});

describe('a training run that is interrupted', () => {
  it('stops after the step, writes its state, says where and exits with 130', async () => {
    const args = [
      '--config',
      'tiny.json',
      'run.name=stopped',
      'train.epochs=5000',
      'train.patience=null',
    ];
    let sent = false;
    const ended = await runBin(train, args, {
      cwd: dir,
      onOutput: (stdout, kill) => {
        if (sent || !stdout.includes('epoch 2, step')) return;
        sent = true;
        kill('SIGTERM');
      },
    });
    expect(ended.code).toBe(130);
    const state = join('runs/stopped/checkpoints/last.safetensors');
    expect(ended.stderr).toMatch(/^error: interrupted by SIGTERM after step \d+ of \d+/);
    expect(ended.stderr).toContain(state);
    const { metadata } = await readSafetensors(at(state));
    expect(Number(metadata.step)).toBeGreaterThan(0);
    expect(existsSync(at('models/stopped'))).toBe(false);
  }, 60_000);
});

describe('a small model on the sample corpus', () => {
  it('learns: the loss falls and macro-F1 beats the majority class on all four axes', async () => {
    writeFileSync(at('more.csv'), sampleCsv(1500, 11));
    const args = [
      ...['--config', 'tiny.json', 'run.name=learns', 'data.source=more.csv'],
      'model.base={"init":{"dim":64,"n_layers":1,"n_heads":4,"hidden_dim":128,"max_position_embeddings":96,"initializer_range":0.1}}',
      ...['train.epochs=6', 'train.max_length=96', 'train.learning_rate=1.5e-3'],
      ...['train.dropout=0', 'train.patience=null', 'runtime.threads=0'],
    ];
    const ended = await host(train, args, { cwd: dir });
    expect({ code: ended.code, stderr: ended.stderr }).toEqual({ code: 0, stderr: '' });
    const { manifest } = await readBundle(at('models/learns'));
    for (const [axis, { macro_f1 }] of Object.entries(manifest.metrics?.validation?.axes ?? {})) {
      const majority = manifest.baselines?.majority?.axes[axis]?.macro_f1 ?? 1;
      expect({ axis, better: (macro_f1 ?? 0) > majority + 0.1 }).toEqual({ axis, better: true });
    }
    const losses = readFileSync(at('runs/learns/log.jsonl'), 'utf8')
      .split('\n')
      .filter((line) => line.includes('"step"'))
      .map((line): { event: string; loss: number } => JSON.parse(line))
      .filter(({ event }) => event === 'step')
      .map(({ loss }) => loss);
    const mean = (list: readonly number[]) => list.reduce((a, b) => a + b, 0) / list.length;
    expect(mean(losses.slice(-20))).toBeLessThan(0.8 * mean(losses.slice(0, 20)));
  }, 120_000);
});

describe('a task of one axis, by configuration alone', () => {
  it('is learnt from its own columns', async () => {
    const rows = Array.from({ length: 120 }, (_, i) => {
      const mood = i % 3 === 0 ? 'bad' : 'good';
      return `"a ${mood === 'good' ? 'lovely bright' : 'dull grey'} day, number ${i}",${mood}`;
    });
    writeFileSync(at('mood.csv'), `note,mood\n${rows.join('\n')}\n`);
    const task = {
      name: 'mood',
      text_column: 'note',
      axes: [{ name: 'mood', labels: ['good', 'bad'], column: 'mood' }],
    };
    writeFileSync(at('mood.json'), JSON.stringify({ ...tiny, task, data: { source: 'mood.csv' } }));
    const ended = await host(train, ['--config', 'mood.json', 'train.epochs=6'], { cwd: dir });
    expect({ code: ended.code, stderr: ended.stderr }).toEqual({ code: 0, stderr: '' });
    const { manifest } = await readBundle(at('models/mood'));
    expect(manifest.task).toMatchObject({ name: 'mood', cleaning: 'none', min_length: 1 });
    expect(manifest.metrics?.test?.axes.mood?.accuracy).toBeGreaterThan(0.9);
  }, 60_000);
});
