import { describe, expect, it } from '@jest/globals';
import { loadConfig } from '../../../../src/config/index.ts';
import { AppError } from '../../../../src/errors.ts';
import { untunedTask } from '../../../../src/task/index.ts';
import type { Batch } from '../../../../training/data/index.ts';
import { majorityBaseline } from '../../../../training/evaluate/index.ts';
import { labelTable } from '../../../../training/recipes/delivery/split-scores.ts';
import { type TrainingRun, trainEpochs } from '../../../../training/recipes/learn/training-loop.ts';
import { newRunState } from '../../../../training/recipes/run/state.ts';
import { type Executor, StepFailure } from '../../../../training/runtime/index.ts';
import type { Progress } from '../../../../training/tracking/index.ts';

const axes = [{ name: 'mood', labels: ['good', 'bad'] as const }];
const task = untunedTask({ name: 'mood', axes }, 'none');
const examples = (count: number) =>
  Array.from({ length: count }, (_, i) => ({
    ids: Int32Array.of(10 + i),
    labels: Float32Array.of(i % 2),
  }));

/** An executor whose n-th validation gets `right[n]` of the labels right, and that counts its steps. */
function fakeExecutor(right: readonly number[], losses: readonly number[] = []) {
  const seen = { steps: [] as number[], rates: [] as number[], validations: -1 };
  const executor: Executor = {
    trainStep: async (_batch, { step, learningRate }) => {
      seen.steps.push(step);
      seen.rates.push(learningRate);
      return { loss: losses[step - 1] ?? 0.5, gradNorm: 1 };
    },
    evaluate: async ({ labels, size }: Batch) => {
      seen.validations++;
      const share = right[Math.min(seen.validations, right.length - 1)] ?? 0;
      const logits = labels.map((y, row) => ((y === 1) === row / size < share ? 2 : -2));
      return { loss: 1 - share, logits };
    },
    runsOf: () => 1,
    continueAt: async () => {},
    masksFollowBatches: true,
    parameters: () => new Map(),
    state: () => new Map(),
    load: () => {},
    dispose: async () => {},
  };
  return { executor, seen };
}

/** Training texts in batches of five, two steps an epoch if not said otherwise; all validation texts in one batch. */
function run(
  executor: Executor,
  changes: Partial<TrainingRun['config']['train']> & {
    totalSteps?: number;
    texts?: number;
    stop?: AbortSignal;
    timeIsUp?: (milliseconds: number) => boolean;
  },
) {
  const { totalSteps = 20, texts = 10, timeIsUp = () => false, ...rest } = changes;
  const { stop = new AbortController().signal, ...train } = rest;
  const saved: string[] = [];
  const logged: Record<string, unknown>[] = [];
  const printed: string[] = [];
  const reported: Parameters<Progress['step']>[0][] = [];
  const validation = examples(5);
  const labels = labelTable(validation, 1);
  const settings = {
    patience: null,
    evaluate_every: null,
    checkpoint_every: null,
    label_smoothing: 0,
    accumulate: 1,
    best_metric: 'macro_f1',
    ...train,
  } as TrainingRun['config']['train'];
  const state = newRunState();
  const parts: TrainingRun = {
    executor,
    config: { seed: 1, train: settings },
    task,
    batches: { batchSize: 5, maxLength: 8, tokenizer: { clsId: 2, sepId: 3, padId: 0 } },
    train: examples(texts),
    validation,
    majority: majorityBaseline(axes, labels, labels),
    totalSteps,
    learningRate: (step) => step / 100,
    checkpoints: {
      save: async (name, _state, { step }) => {
        saved.push(`${name} ${step}`);
        return `${name}.safetensors`;
      },
      load: async () => ({ tensors: new Map(), state }),
    },
    progress: {
      step: (report) => reported.push(report),
      print: (text) => printed.push(text),
      pause: () => ({ at: () => {}, write: () => {}, end: () => {} }),
      wait: (_label, _what, work) => work(),
      finish: () => {},
    },
    log: { write: (entry) => logged.push(entry), close: () => {} },
    stop,
    timeIsUp,
  };
  const outcome = trainEpochs(parts, state).then(() => state.best);
  return { outcome, saved, logged, printed, reported, state };
}

describe('the training loop', () => {
  it('counts updates from 1 through all epochs and stops at the last one, within an epoch too', async () => {
    const { executor, seen } = fakeExecutor([1]);
    await run(executor, { totalSteps: 5 }).outcome;
    expect(seen.steps).toEqual([1, 2, 3, 4, 5]);
    expect(seen.rates).toEqual([0.01, 0.02, 0.03, 0.04, 0.05]);
  });

  it('takes every text once an epoch, in another order each, as many an update as are accumulated', async () => {
    const { executor } = fakeExecutor([1]);
    const updates: string[] = [];
    const watching: Executor = {
      ...executor,
      trainStep: (batch, update) => {
        const texts = Array.from(
          { length: batch.size },
          (_, row) => batch.inputIds[row * batch.length + 1],
        );
        updates.push(texts.join(' '));
        return executor.trainStep(batch, update);
      },
    };
    await run(watching, { texts: 25, accumulate: 2, totalSteps: 9 }).outcome;
    expect(updates.map((texts) => texts.split(' ').length).sort()).toEqual([
      10, 10, 10, 10, 10, 10, 5, 5, 5,
    ]);
    const epochs = [0, 3, 6].map((from) =>
      updates
        .slice(from, from + 3)
        .join(' ')
        .split(' '),
    );
    for (const epoch of epochs) expect(new Set(epoch).size).toBe(25);
    expect(new Set(epochs.map(String)).size).toBe(3);
  });

  it('logs of every step what it was, and shows it', async () => {
    const { executor } = fakeExecutor([1], [3, 5, 7]);
    const { outcome, logged, reported } = run(executor, { totalSteps: 3 });
    await outcome;
    const steps = logged.filter(({ event }) => event === 'step');
    const seen = [
      { step: 1, epoch: 1, loss: 3, tokens: 40 },
      { step: 2, epoch: 1, loss: 5, tokens: 40 },
      { step: 3, epoch: 2, loss: 7, tokens: 40 },
    ];
    expect(steps).toEqual(
      seen.map((one) => ({ event: 'step', ...one, learning_rate: one.step / 100, grad_norm: 1 })),
    );
    expect(reported).toEqual(seen.map((one) => ({ ...one, skipped: 0 })));
    expect(logged.at(-1)).toMatchObject({ event: 'end', step: 3, epoch: 2, reason: 'steps' });
  });

  it('validates after each epoch, the unfinished last one included, and keeps the best', async () => {
    const { executor } = fakeExecutor([0.4, 1, 0.6]);
    const { outcome, saved, logged } = run(executor, { totalSteps: 5 });
    const best = await outcome;
    expect(best).toMatchObject({ step: 4, epoch: 2, macroF1: 1 });
    expect(saved.filter((one) => one.startsWith('best'))).toEqual(['best 2', 'best 4']);
    expect(saved.at(-1)).toBe('last 5');
    const validations = logged.filter(({ event }) => event === 'validation');
    expect(validations.map(({ step, best }) => [step, best])).toEqual([
      [2, true],
      [4, true],
      [5, false],
    ]);
  });

  it('stops when patience validations brought nothing better', async () => {
    const { executor, seen } = fakeExecutor([0.4, 1, 0.6, 0.6]);
    const { outcome } = run(executor, { totalSteps: 100, patience: 2 });
    expect((await outcome)?.step).toBe(4);
    expect(seen.steps.length).toBe(8);
  });

  it.each([
    // The loss falls with every right answer here, so that the fourth is the best by either.
    ['loss', 8],
    ['macro_f1', 8],
    ['brier', 8],
    // Undefined in no batch here: the first that is as good as any is kept.
    ['roc_auc', 2],
  ] as const)('keeps the best state by %s', async (metric, step) => {
    const { executor } = fakeExecutor([0.4, 0.6, 0.5, 1, 0.8]);
    const tied: Executor =
      metric === 'roc_auc'
        ? {
            ...executor,
            evaluate: async ({ size }) => ({ loss: 1, logits: new Float32Array(size) }),
          }
        : executor;
    const { outcome } = run(tied, { totalSteps: 10, best_metric: metric });
    expect((await outcome)?.step).toBe(step);
  });

  it('keeps the state of the least log loss by default, whatever macro-F1 says', async () => {
    const { best_metric } = loadConfig({ env: {} }).config.train;
    const { executor, seen } = fakeExecutor([0.6, 0.8, 0.8]);
    // More is right from one validation to the next, and what is wrong is ever surer.
    const sure: Executor = {
      ...executor,
      evaluate: async (batch) => {
        const { logits } = await executor.evaluate(batch);
        return { loss: 1, logits: logits.map((x) => x * 4 ** seen.validations) };
      },
    };
    const { outcome, state, logged } = run(sure, { totalSteps: 100, best_metric, patience: 2 });
    const { value, step } = (await outcome) ?? {};
    // Two of five wrong, with logits of 2.
    expect({ value, step }).toEqual({
      value: expect.closeTo(0.4 * 2 + Math.log1p(Math.exp(-2))),
      step: 2,
    });
    expect(state.step).toBe(6);
    const end = logged.find(({ event }) => event === 'end');
    expect(end?.reason).toContain('no better log_loss');
  });

  it('validates and writes checkpoints between epochs where that is asked for', async () => {
    const { executor } = fakeExecutor([0.4, 1, 0.6, 0.6]);
    const { outcome, saved, logged } = run(executor, {
      totalSteps: 6,
      evaluate_every: 3,
      checkpoint_every: 4,
    });
    await outcome;
    const at = logged.filter(({ event }) => event === 'validation').map(({ step }) => step);
    expect(at).toEqual([3, 6]);
    expect(saved).toEqual(['best 3', 'last 4', 'best 6', 'last 6']);
  });

  it('gives an executor as many steps at once as it wants, but none past a validation, a checkpoint or the end', async () => {
    const { executor, seen } = fakeExecutor([1]);
    const runs: number[][] = [];
    const device: Executor = {
      ...executor,
      stepsPerRun: 4,
      trainSteps: (batches, updates) => {
        runs.push(updates.map(({ step }) => step));
        return Promise.all(batches.map((batch, i) => executor.trainStep(batch, updates[i]!)));
      },
    };
    const { outcome, logged } = run(device, {
      texts: 60,
      totalSteps: 18,
      evaluate_every: 6,
      checkpoint_every: 10,
    });
    await outcome;
    expect(runs).toEqual([
      [1, 2, 3, 4],
      [5, 6],
      [7, 8, 9, 10],
      [11, 12],
      [13, 14, 15, 16],
      [17, 18],
    ]);
    expect(seen.rates.length).toBe(18);
    const steps = logged.filter(({ event }) => event === 'step').map(({ step }) => step);
    expect(steps).toEqual(seen.steps);
  });

  it('stops after the current step, writes the last state and says where', async () => {
    const { executor, seen } = fakeExecutor([1]);
    const controller = new AbortController();
    const stopping: Executor = {
      ...executor,
      trainStep: async (batch, update) => {
        if (update.step === 3) {
          controller.abort(new AppError('interrupted', 'interrupted by SIGTERM'));
        }
        return executor.trainStep(batch, update);
      },
    };
    const { outcome, saved, logged } = run(stopping, { stop: controller.signal });
    await expect(outcome).rejects.toMatchObject({
      code: 'interrupted',
      message: 'interrupted by SIGTERM after step 3 of 20; the state is in last.safetensors',
    });
    expect(seen.steps).toEqual([1, 2, 3]);
    expect(saved.at(-1)).toBe('last 3');
    expect(logged.at(-1)).toEqual({ event: 'interrupted', step: 3, epoch: 2 });
  });

  it('counts the steps that were skipped, in the log, the progress and the state', async () => {
    const { executor } = fakeExecutor([1]);
    const skipping: Executor = {
      ...executor,
      trainStep: async (batch, update) => ({
        ...(await executor.trainStep(batch, update)),
        skipped: update.step < 3,
      }),
    };
    const { outcome, logged, reported, state } = run(skipping, { totalSteps: 4 });
    await outcome;
    const steps = logged.filter(({ event }) => event === 'step');
    expect(steps.map(({ skipped }) => skipped)).toEqual([true, true, false, false]);
    expect(reported.map(({ skipped }) => skipped)).toEqual([1, 2, 2, 2]);
    expect(state).toMatchObject({ step: 4, skipped: 2 });
  });

  it('gives the mean training loss since the last validation', async () => {
    const { executor } = fakeExecutor([1], [1, 3, 5, 7]);
    const { outcome, logged, printed } = run(executor, { totalSteps: 4 });
    await outcome;
    const losses = logged.filter(({ event }) => event === 'validation');
    expect(losses.map(({ train_loss }) => train_loss)).toEqual([2, 6]);
    expect(printed[0]).toContain('epoch 1, step 2: training loss 2.0000');
  });

  it('ends when the time is up, after the step, with a checkpoint and then a validation', async () => {
    const { executor, seen } = fakeExecutor([1]);
    const { outcome, saved } = run(executor, {
      texts: 60,
      totalSteps: 100,
      timeIsUp: () => seen.steps.length >= 3,
    });
    expect((await outcome)?.step).toBe(3);
    expect(seen.steps).toEqual([1, 2, 3]);
    expect(saved).toEqual(['last 3', 'best 3']);
  });

  it('ends early enough for the last validation to have its place within the limit', async () => {
    const { executor, seen } = fakeExecutor([1]);
    const asked: number[] = [];
    const { outcome, logged } = run(executor, {
      texts: 60,
      totalSteps: 100,
      timeIsUp: (milliseconds) => {
        asked.push(milliseconds);
        return asked.length > 4;
      },
    });
    await outcome;
    expect(asked.every((milliseconds) => milliseconds > 0)).toBe(true);
    expect(logged.find(({ event }) => event === 'end')?.reason).toMatch(/last validation/);
    expect(seen.validations).toBe(0);
  });

  it('names the batch of a step that came to no numbers, and keeps the state before it', async () => {
    const { executor } = fakeExecutor([1]);
    const failing: Executor = {
      ...executor,
      trainStep: async (batch, update) => {
        if (update.step === 4) throw new StepFailure(4, 'the loss of step 4 is NaN');
        return executor.trainStep(batch, update);
      },
    };
    const { outcome, saved, logged } = run(failing, { totalSteps: 20 });
    await expect(outcome).rejects.toMatchObject({
      code: 'training_failed',
      cause: expect.any(StepFailure),
      hint: 'a smaller train.learning_rate or more train.warmup_steps usually help',
      message: expect.stringMatching(
        /^the loss of step 4 is NaN; it was batch 2 of 2 of epoch 2, texts \d(, \d){4} of the training split; the state before it is in last\.safetensors$/,
      ),
    });
    expect(saved.at(-1)).toBe('last 3');
    expect(logged.at(-1)).toMatchObject({ event: 'failed', step: 4, epoch: 2, batch: 2 });
  });

  it('smooths the labels of training, not those of validation', async () => {
    const { executor } = fakeExecutor([1]);
    const labels = { train: new Set<number>(), validation: new Set<number>() };
    const watching: Executor = {
      ...executor,
      trainStep: (batch, update) => {
        for (const label of batch.labels) labels.train.add(Number(label.toFixed(6)));
        return executor.trainStep(batch, update);
      },
      evaluate: (batch) => {
        for (const label of batch.labels) labels.validation.add(label);
        return executor.evaluate(batch);
      },
    };
    await run(watching, { totalSteps: 2, label_smoothing: 0.1 }).outcome;
    expect([...labels.train].sort()).toEqual([0.05, 0.95]);
    expect([...labels.validation].sort()).toEqual([0, 1]);
  });

  it('begins masks anew at each checkpoint of a device whose masks do not follow from the batches', async () => {
    const { executor } = fakeExecutor([1]);
    const begun: number[] = [];
    const device: Executor = {
      ...executor,
      masksFollowBatches: false,
      continueAt: async (batches) => {
        begun.push(batches);
      },
    };
    await run(device, { totalSteps: 7, checkpoint_every: 3 }).outcome;
    expect(begun).toEqual([3, 6]);
  });
});
