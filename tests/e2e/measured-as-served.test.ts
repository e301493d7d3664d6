import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { type Bundle, type MetricSet, readBundle } from '../../src/bundle/index.ts';
import { type Config, loadConfig } from '../../src/config/index.ts';
import { Scorer } from '../../src/engine/scorer.ts';
import { openModel } from '../../src/models/open-model.ts';
import { loadCorpus, Random } from '../../training/data/index.ts';
import { evaluateAxes } from '../../training/evaluate/index.ts';
import { metricSet } from '../../training/recipes/delivery/metric-set.ts';
import { labelTable } from '../../training/recipes/delivery/split-scores.ts';
import { commandHost } from '../support/run-commands.ts';

const run = commandHost();
let dir = '';
const at = (...names: string[]) => join(dir, ...names);

/** Half of the texts say nothing in their first window of 18 ids; a tenth has the wrong mood. */
function moodCsv(): string {
  const random = new Random(5, 'moods');
  const rows = Array.from({ length: 240 }, (_, i) => {
    const word = () => ['stone', 'river', 'table', 'paper', 'cloud'][random.int(5)];
    const mood = random.int(2) === 0 ? 'good' : 'bad';
    const tone = () => (mood === 'good' ? ['lovely', 'bright'] : ['dull', 'grey'])[random.int(2)];
    const words = [
      ...Array.from({ length: i % 2 === 0 ? 20 : 2 }, word),
      ...Array.from({ length: 24 }, () => (random.int(3) === 0 ? word() : tone())),
    ];
    const said = random.int(10) > 0 ? mood : mood === 'good' ? 'bad' : 'good';
    return `"${words.join(' ')}",${said},${random.int(3) === 0 ? 'long' : 'short'}`;
  });
  return `${['note,mood,size', ...rows].join('\n')}\n`;
}

const axes = [
  { name: 'mood', labels: ['good', 'bad'], column: 'mood' },
  // Has nothing to do with the text.
  { name: 'size', labels: ['long', 'short'], column: 'size' },
];
const many = {
  seed: 7,
  task: { name: 'mood', text_column: 'note', axes },
  data: { source: 'moods.csv', test_fraction: 0.25, validation_fraction: 0.3 },
  model: {
    base: {
      init: {
        ...{ dim: 32, n_layers: 1, n_heads: 2, hidden_dim: 64 },
        ...{ max_position_embeddings: 20, initializer_range: 0.1 },
      },
    },
    tokenizer: 'train',
    vocab_size: 100,
  },
  train: {
    epochs: 16,
    batch_size: 16,
    max_length: 20,
    learning_rate: 5e-3,
    warmup_steps: 4,
    patience: null,
  },
  quantize: { max_size_ratio: 1, min_agreement: 0, max_mean_dp: 1, max_f1_drop: 1 },
  limits: { max_windows: 2 },
  runtime: { device: 'cpu', threads: 1 },
};

interface Split {
  readonly texts: readonly string[];
  readonly labels: Float32Array;
}

/** What the served path answers of texts, and how many windows it took. */
async function served(precision: string, { texts }: Split, maxWindows = 2) {
  const flags = { 'runtime.precision': precision, 'limits.max_windows': maxWindows };
  const { spec } = await openModel(
    { dir: at('models/many') },
    loadConfig({ env: {}, flags }).config,
  );
  const scorer = await Scorer.load(spec);
  const answers: number[] = [];
  let windows = 0;
  for (const text of texts) {
    const score = await scorer.score(text);
    answers.push(...score.probabilities);
    windows += score.windows;
  }
  return { answers: Float64Array.from(answers), windows };
}

/** Equal but for the order of float32 sums: padding and the number of texts in a batch change that. */
function expectSame(found: MetricSet | undefined, expected: MetricSet) {
  for (const [axis, figures] of Object.entries({ ...expected.axes, average: expected.average })) {
    const other = axis === 'average' ? found?.average : found?.axes[axis];
    expect(Object.keys(other ?? {}).sort()).toEqual(Object.keys(figures).sort());
    for (const [name, value] of Object.entries(figures)) {
      expect({ axis, name, value: other?.[name] }).toEqual({
        axis,
        name,
        value: expect.closeTo(value, 5),
      });
    }
  }
}

describe("a manifest's figures, of texts with several windows,", () => {
  let bundle: Bundle;
  let config: Config;
  let test: Split;
  let validation: Split;
  const measured = (answers: Float64Array, { labels }: Split) =>
    metricSet(evaluateAxes(bundle.manifest.task.axes, answers, labels));

  beforeAll(async () => {
    dir = mkdtempSync(join(tmpdir(), 'mbti-as-served-'));
    writeFileSync(at('moods.csv'), moodCsv());
    writeFileSync(at('many.json'), JSON.stringify(many));
    const args = ['--config', 'many.json', 'run.name=many'];
    const ended = await run('training/bin/mbti-train', args, { cwd: dir });
    expect({ code: ended.code, stderr: ended.stderr }).toEqual({ code: 0, stderr: '' });
    expect(ended.stdout).toMatch(/reads the first window only: \d+ of \d+ texts have more/);
    bundle = await readBundle(at('models/many'));
    config = loadConfig({ file: at('runs/many/config.json'), env: {} }).config;
    const { splits } = await loadCorpus(config);
    const [tests, validations] = [splits.test, splits.validation].map((split) => ({
      texts: split.map(({ text }) => text),
      labels: labelTable(split, 2),
    }));
    if (!tests || !validations) throw new Error('there are no splits');
    [test, validation] = [tests, validations];
  }, 60_000);

  afterAll(() => rmSync(dir, { recursive: true, force: true }));

  it('are those of the answers that the server gives', async () => {
    const { metrics } = bundle.manifest;
    const whole = await served('fp32', test);
    expect(whole.windows).toBe(2 * test.texts.length);
    expectSame(metrics?.test, measured(whole.answers, test));
    expectSame(
      metrics?.validation,
      measured((await served('fp32', validation)).answers, validation),
    );
    // First windows alone would say something else.
    const first = measured((await served('fp32', test, 1)).answers, test);
    expect(
      Math.abs((first.average.log_loss ?? 0) - (metrics?.test?.average.log_loss ?? 0)),
    ).toBeGreaterThan(1e-3);
  });

  it('hold temperatures that lower the log loss of the validation texts, and say by how much', () => {
    const { metrics, task } = bundle.manifest;
    const before = metrics?.uncalibrated?.validation?.axes;
    for (const { name, temperature } of task.axes) {
      const [raw, calibrated] = [before?.[name], metrics?.validation?.axes[name]];
      const gain = (raw?.log_loss ?? Number.NaN) - (calibrated?.log_loss ?? Number.NaN);
      expect({ name, lower: temperature === 1 ? gain === 0 : gain > 0 }).toEqual({
        name,
        lower: true,
      });
    }
    expect(task.axes.some(({ temperature }) => temperature !== 1)).toBe(true);
    const { best, uncalibrated } = JSON.parse(readFileSync(at('runs/many/metrics.json'), 'utf8'));
    expect(uncalibrated).toEqual(metrics?.uncalibrated);
    // Unweighted, the objective is the log loss; training only looks at first windows.
    expect(best.value).toBeCloseTo(best.loss, 5);
  });

  it('compare the int8 file as it is served with the fp32 one', async () => {
    const [fp32, int8] = [await served('fp32', validation), await served('int8', validation)];
    const apart = int8.answers.map((p, i) => Math.abs(p - (fp32.answers[i] ?? 0)));
    const { mean_dp, max_dp, texts } = bundle.manifest.metrics?.int8 ?? {};
    expect(texts).toBe(validation.texts.length);
    expect(apart.reduce((sum, d) => sum + d, 0) / apart.length).toBeCloseTo(mean_dp ?? 0, 6);
    expect(Math.max(...apart)).toBeCloseTo(max_dp ?? 0, 6);
  });

  it('come again from mbti-model evaluate, in fp32 and in int8', async () => {
    const labelled = test.texts.map((text, row) => {
      const labels = bundle.manifest.task.axes.map(({ labels: [first, second] }, axis) =>
        test.labels[2 * row + axis] === 1 ? first : second,
      );
      return [text, ...labels].join(',');
    });
    writeFileSync(at('test.csv'), ['note,mood,size', ...labelled, ''].join('\n'));
    for (const precision of ['fp32', 'int8']) {
      const args = ['evaluate', '--model', 'models/many', '--data', 'test.csv', '--json'];
      const ended = await run('training/bin/mbti-model', [...args, '--precision', precision], {
        cwd: dir,
        env: { MBTI_LIMITS_MAX_WINDOWS: '2' },
      });
      expect({ code: ended.code, stderr: ended.stderr }).toEqual({
        code: 0,
        stderr: expect.stringMatching(/^warning: the test split has only 60 texts[^\n]*\n$/),
      });
      const { answers } = await served(precision, test);
      expectSame(metricSet(JSON.parse(ended.stdout)), measured(answers, test));
    }
  });
});
