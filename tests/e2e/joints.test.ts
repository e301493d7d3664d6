import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from '@jest/globals';
import { loadConfig } from '../../src/config/index.ts';
import { fractions, minLength, type Part } from '../support/joints/corpus.ts';
import * as figures from '../support/joints/figures.ts';
import { Replay, type ReplayedStep } from '../support/joints/replay.ts';
import {
  answersOf,
  config,
  csv,
  every,
  gateTexts,
  type JointRun,
  jointRun,
  maxWindows,
  patience,
  rows,
  settings,
  shareOf,
  truthOf,
  type Windows,
} from '../support/joints/run.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

/** Every figure of one run is computed again here, from the source file and by the test's own hand. */

const folder = temporaryFolder();
const at = (...names: string[]) => join(folder.path, ...names);
const readJson = (...names: string[]) => JSON.parse(readFileSync(at(...names), 'utf8'));

let run: JointRun;

beforeAll(async () => {
  run = await jointRun(folder);
}, 60_000);

const near = (value: number, digits = 5) => expect.closeTo(value, digits);

it('warns of nothing, and ends well', () => {
  expect(run.ended).toMatchObject({ code: 0, stderr: '' });
});

describe('the parts of the data', () => {
  it('have the sizes that each fraction asks for, share no text, and keep the shares of the labels', () => {
    const kept = csv.trim().split('\n').length - 1 - 3;
    const test = Math.round(kept * fractions.test);
    const validation = Math.round((kept - test) * fractions.validation);
    const { metrics } = run.bundle.manifest;
    expect(metrics?.test?.average.rows).toBe(test);
    expect(metrics?.validation?.average.rows).toBe(validation);
    expect(rows.test).toHaveLength(test);
    expect(rows.validation).toHaveLength(validation);
    const texts = Object.values(rows).flatMap((part) => part.map(({ text }) => text));
    expect(new Set(texts).size).toBe(kept);
    for (const axis of [0, 1]) {
      for (const part of ['validation', 'test'] as const) {
        // Whole rows of four codes: two at most are wanting or too many.
        const apart = Math.abs(shareOf(part, axis) - shareOf('train', axis)) * rows[part].length;
        expect(apart).toBeLessThan(2.5);
      }
    }
  });

  it('give the tokenizer its words from the training texts alone', () => {
    const { vocab } = readJson('models/joints/tokenizer.json').model;
    const pieces = Object.keys(vocab);
    expect(pieces).toContain('amber');
    expect(pieces.filter((piece) => /[^\x20-\x7e]/.test(piece))).toEqual([]);
    for (const [part, mark] of [
      ['validation', 'жук'],
      ['test', 'ζωή'],
    ] as const) {
      expect(rows[part].every(({ text }) => text.includes(mark))).toBe(true);
    }
  });

  it('are known by the hash of the source, and the run by one of its configuration, however it is written', () => {
    const { data_hash, config_hash, max_length, task } = run.bundle.manifest;
    expect(data_hash).toBe(createHash('sha256').update(csv).digest('hex'));
    const reversed = Object.fromEntries(Object.entries(config).reverse());
    folder.write('elsewhere/reversed.json', JSON.stringify(reversed));
    expect(loadConfig({ file: at('elsewhere/reversed.json'), env: {} }).hash).toBe(config_hash);
    expect(loadConfig({ file: at('runs/joints/config.json'), env: {} }).hash).toBe(config_hash);
    expect({ max_length, min_length: task.min_length }).toEqual({
      max_length: settings.maxLength,
      min_length: minLength,
    });
  });
});

describe('a training, done again by hand,', () => {
  const replayed: ReplayedStep[] = [];
  /** The logits of first windows, of validation texts at each validation and of test texts at the best. */
  const validations: { step: number; logits: readonly Float32Array[] }[] = [];
  let bestOnTest: readonly Float32Array[] = [];
  let weights: readonly number[] = [];

  const probabilities = (logits: readonly Float32Array[], axis: number) =>
    logits.map((one) => figures.sigmoid(one[axis] as number));
  const averaged = (
    logits: readonly Float32Array[],
    figure: (truth: readonly number[], p: readonly number[], axis: number) => number,
  ) =>
    [0, 1].reduce(
      (sum, axis) =>
        sum + figure(truthOf('validation', axis), probabilities(logits, axis), axis) / 2,
      0,
    );

  beforeAll(async () => {
    weights = [0, 1].map((axis) => (1 - shareOf('train', axis)) / shareOf('train', axis));
    const artifacts = at('runs/joints/artifacts');
    const replay = await Replay.open(artifacts, run.tokenizer, settings);
    let [best, worse] = [Number.POSITIVE_INFINITY, 0];
    for await (const step of replay.steps(rows.train)) {
      replayed.push(step);
      if (step.step % every !== 0) continue;
      const logits = await replay.logits(rows.validation);
      validations.push({ step: step.step, logits });
      const found = averaged(logits, figures.brier);
      worse = found < best ? 0 : worse + 1;
      if (worse === 0) bestOnTest = await replay.logits(rows.test);
      best = Math.min(best, found);
      if (worse === patience) break;
    }
  }, 60_000);

  it('has in every step the loss, the rate and the norm that the log tells', () => {
    const logged = run.events('step');
    expect(logged.map(({ step, epoch }) => ({ step, epoch }))).toEqual(
      replayed.map(({ step, epoch }) => ({ step, epoch })),
    );
    // Float32 sums in another order, of which each step makes a little more.
    for (const [i, { loss, learningRate, gradNorm }] of replayed.entries()) {
      expect(logged[i]).toMatchObject({
        step: i + 1,
        loss: near(loss, 3),
        learning_rate: near(learningRate, 9),
        grad_norm: near(gradNorm, 2),
      });
    }
    expect(replayed.some(({ gradNorm }) => gradNorm > settings.maxGradNorm)).toBe(true);
  });

  it('has every validation that the log tells, without dropout or smoothed labels, and ends with patience', () => {
    const logged = run.events('validation');
    expect(logged.map(({ step }) => step)).toEqual(validations.map(({ step }) => step));
    let best = Number.POSITIVE_INFINITY;
    for (const [i, { logits }] of validations.entries()) {
      const brier = averaged(logits, figures.brier);
      expect(logged[i]).toMatchObject({
        best: brier < best,
        loss: near(
          averaged(logits, (truth, p, axis) => figures.logLoss(truth, p, weights[axis])),
          3,
        ),
        average: {
          brier: near(brier, 3),
          log_loss: near(
            averaged(logits, (truth, p) => figures.logLoss(truth, p)),
            3,
          ),
          macro_f1: near(
            averaged(logits, (truth, p) => figures.macroF1(truth, p, 0.5)),
            3,
          ),
        },
      });
      best = Math.min(best, brier);
    }
    expect(run.events('end')).toEqual([
      expect.objectContaining({ reason: expect.stringMatching(/^2 validations .* brier/) }),
    ]);
    expect(readJson('runs/joints/metrics.json').best.value).toBeCloseTo(best, 3);
    // One that is worse comes before one that is better: patience begins anew behind that.
    const kept = logged.map((entry) => (entry.best === true ? 'better' : 'worse')).join(' ');
    expect(kept).toMatch(/worse better.* worse worse$/);
    // Had the last state been taken for the best one, it would show.
    const last = validations.at(-1)?.logits ?? [];
    expect(averaged(last, figures.brier) - best).toBeGreaterThan(0.003);
  });

  it('ends in the graph that the bundle holds: the best state, not the last', async () => {
    const bundled = await run.windowsOf('onnx/model.onnx', 'test');
    for (const [row, [first]] of bundled.entries()) {
      for (const axis of [0, 1]) {
        expect(first?.[axis]).toBeCloseTo(bestOnTest[row]?.[axis] as number, 2);
      }
    }
  });

  it('weighs positive labels by the training labels, and leaves frozen weights alone', () => {
    const { parameters, hyper_parameters: used } = readJson('runs/joints/artifacts/artifacts.json');
    expect(used.pos_weight).toEqual(weights.map((weight) => near(weight, 9)));
    for (const part of ['validation', 'test'] as const) {
      const other = (1 - shareOf(part, 1)) / shareOf(part, 1);
      expect(Math.abs(other - (weights[1] as number))).toBeGreaterThan(1e-3);
    }
    const names: string[] = parameters.map(({ name }: { name: string }) => name);
    expect(names.filter((name) => /layer\.0\./.test(name))).toEqual([]);
    expect(names.filter((name) => /layer\.1\./.test(name))).not.toEqual([]);
  });
});

describe('the figures of a bundle, computed again,', () => {
  let windows: Readonly<Record<'validation' | 'test', Windows>>;
  const axisOf = (axis: number) => {
    const found = run.bundle.manifest.task.axes[axis];
    if (!found) throw new Error(`there is no axis ${axis}`);
    return found;
  };
  const served = (part: 'validation' | 'test', axis: number) =>
    answersOf(windows[part], axis, axisOf(axis).temperature);

  beforeAll(async () => {
    windows = {
      validation: await run.windowsOf('onnx/model.onnx', 'validation'),
      test: await run.windowsOf('onnx/model.onnx', 'test'),
    };
  });

  it('have the temperatures of the validation texts, which are not those of the test texts', () => {
    const differences = [0, 1].map((axis) => {
      const fitted = (part: 'validation' | 'test') =>
        figures.bestTemperature(truthOf(part, axis), (temperature) =>
          answersOf(windows[part], axis, temperature),
        );
      const { temperature } = axisOf(axis);
      // One step of what is tried is 0.7 %.
      expect(Math.abs(Math.log(temperature / fitted('validation')))).toBeLessThan(0.008);
      return Math.abs(Math.log(temperature / fitted('test')));
    });
    expect(Math.min(...differences)).toBeGreaterThan(0.05);
  });

  it('have thresholds of the best macro-F1 on the validation texts, which are not those of the test texts', () => {
    const tuned = [0, 1].map((axis) => {
      const { threshold } = axisOf(axis);
      const reached = (part: 'validation' | 'test') =>
        figures.macroF1(truthOf(part, axis), served(part, axis), threshold);
      const best = (part: 'validation' | 'test') =>
        figures.bestMacroF1(truthOf(part, axis), served(part, axis));
      const asIs = figures.macroF1(truthOf('validation', axis), served('validation', axis), 0.5);
      const isWorthIt = best('validation') - asIs >= 0.5 / Math.sqrt(rows.validation.length);
      expect(threshold !== 0.5).toBe(isWorthIt);
      if (isWorthIt) {
        expect(reached('validation')).toBeCloseTo(best('validation'), 9);
        expect(best('test') - reached('test')).toBeGreaterThan(0.001);
      }
      return isWorthIt;
    });
    expect(tuned).toContain(true);
  });

  it.each(['validation', 'test'] as const)(
    'are those of the %s texts as they are served',
    (part) => {
      const { metrics } = run.bundle.manifest;
      for (const axis of [0, 1]) {
        const { name, threshold } = axisOf(axis);
        const truth = truthOf(part, axis);
        const [p, raw] = [served(part, axis), answersOf(windows[part], axis, 1)];
        expect(metrics?.[part]?.axes[name]).toMatchObject({
          accuracy: near(figures.accuracy(truth, p, threshold)),
          macro_f1: near(figures.macroF1(truth, p, threshold)),
          log_loss: near(figures.logLoss(truth, p), 4),
          brier: near(figures.brier(truth, p)),
          ece: near(figures.calibrationError(truth, p), 4),
        });
        expect(metrics?.uncalibrated?.[part]?.axes[name]).toMatchObject({
          log_loss: near(figures.logLoss(truth, raw), 4),
          brier: near(figures.brier(truth, raw)),
          ece: near(figures.calibrationError(truth, raw), 4),
        });
      }
    },
  );

  it('have a baseline that answers with the shares of the training labels', () => {
    const { majority } = run.bundle.manifest.baselines ?? {};
    for (const axis of [0, 1]) {
      const truth = truthOf('test', axis);
      const asSharesOf = (part: Part) => truth.map(() => shareOf(part, axis));
      expect(majority?.axes[axisOf(axis).name]).toMatchObject({
        accuracy: near(figures.accuracy(truth, asSharesOf('train'), 0.5), 9),
        log_loss: near(figures.logLoss(truth, asSharesOf('train')), 9),
        brier: near(figures.brier(truth, asSharesOf('train')), 9),
      });
      const others = figures.brier(truth, asSharesOf('test'));
      expect(Math.abs(others - figures.brier(truth, asSharesOf('train')))).toBeGreaterThan(1e-8);
    }
  });

  it('have a drift reference of the validation texts, as they are served', () => {
    const { features = {}, texts } = run.bundle.manifest.reference ?? {};
    expect(texts).toBe(rows.validation.length);
    const spread = (name: string, values: readonly number[]) => {
      const { edges, shares } = features[name] ?? { edges: [], shares: [] };
      const bins = values.map((value) => edges.filter((edge) => value > edge).length);
      const found = shares.map((_, bin) => bins.filter((one) => one === bin).length);
      expect({ name, found }).toEqual({
        name,
        found: shares.map((s) => Math.round(s * (texts ?? 0))),
      });
      for (const edge of edges)
        expect(values.some((value) => Math.abs(value - edge) < 1e-5)).toBe(true);
    };
    // An edge is a text's own probability: a rounding error must not put that text into the next bin.
    const below = (values: readonly number[]) => values.map((value) => value - 1e-6);
    for (const axis of [0, 1]) spread(axisOf(axis).name, below(served('validation', axis)));
    const idsOf = rows.validation.map(({ text }) =>
      run.tokenizer.encode(text).slice(0, maxWindows * (settings.maxLength - 2)),
    );
    const unknown = idsOf.map((ids) => ids.filter((id) => id === run.tokenizer.unkId).length);
    expect(Math.min(...unknown)).toBeGreaterThan(0);
    expect(Object.keys(features)).toEqual(['mood', 'size', 'text_length', 'unknown_rate']);
  });

  it('hold the int8 file to the first of the validation texts, one after the other', async () => {
    const int8 = await run.windowsOf('onnx/model_quantized.onnx', 'validation');
    const apart = [0, 1].flatMap((axis) => {
      const rounded = answersOf(int8, axis, axisOf(axis).temperature);
      return served('validation', axis)
        .slice(0, gateTexts)
        .map((p, row) => Math.abs(p - (rounded[row] as number)));
    });
    expect(run.bundle.manifest.metrics?.int8).toMatchObject({
      texts: gateTexts,
      mean_dp: near(apart.reduce((sum, d) => sum + d, 0) / apart.length, 6),
      max_dp: near(Math.max(...apart), 6),
    });
  });
});
