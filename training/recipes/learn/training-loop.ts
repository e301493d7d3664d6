import type { Config } from '../../../src/config/index.ts';
import { AppError } from '../../../src/errors.ts';
import type { Task } from '../../../src/task/index.ts';
import {
  type Batch,
  type BatchOptions,
  smoothLabels,
  type TokenizedExample,
  trainingBatches,
} from '../../data/index.ts';
import { type Evaluation, evaluateAxes, evaluationTable } from '../../evaluate/index.ts';
import { type Executor, StepFailure, trainSteps } from '../../runtime/index.ts';
import type { Progress, RunLog } from '../../tracking/index.ts';
import { scoreSplit } from '../delivery/split-scores.ts';
import type { CheckpointName, Checkpoints } from '../run/checkpoints.ts';
import type { Best, RunState } from '../run/state.ts';
import { isBetter, metricValue } from './best-metric.ts';
import { Pace } from './pace.ts';

export interface TrainingRun {
  readonly executor: Executor;
  readonly config: Pick<Config, 'seed' | 'train'>;
  readonly task: Task;
  readonly batches: BatchOptions;
  readonly train: readonly TokenizedExample[];
  readonly validation: readonly TokenizedExample[];
  /** The majority class on the validation split, shown beside every validation. */
  readonly majority: Evaluation;
  /** Updates that the schedule is laid out for; training ends with them. */
  readonly totalSteps: number;
  /** The learning rate of update `step`, from 1. */
  readonly learningRate: (step: number) => number;
  readonly checkpoints: Checkpoints;
  readonly progress: Progress;
  readonly log: RunLog;
  readonly stop: AbortSignal;
  /** Whether `train.max_minutes` will have passed after so many milliseconds more. */
  readonly timeIsUp: (milliseconds: number) => boolean;
  /** Training had ended before: nothing is trained any more. */
  readonly isOver?: boolean;
}

/**
 * Trains from a state until the last update, until `train.patience` validations brought nothing better, or until
 * the time is up. Keeps the best and the last state as checkpoints. AppError `interrupted` after a stop, when the
 * last state has been written, `training_failed` likewise; whatever else fails passes through.
 *
 * @returns how long steps and validations took
 */
export async function trainEpochs(run: TrainingRun, state: RunState): Promise<Pace> {
  const saved: Saved = { at: state.step };
  const pace = new Pace();
  try {
    while (reasonToEnd(run, state, pace) === undefined) await trainEpoch(run, state, saved, pace);
    const reason = reasonToEnd(run, state, pace);
    run.log.write({ event: 'end', step: state.step, epoch: state.epoch, reason });
    if (reason !== 'steps') run.progress.print(`training ends: ${reason}`);
    if (saved.at < state.step) await saveLast(run, state, saved);
    // Only then: the checkpoint is that of a run which goes on.
    if (state.validatedAt < state.step) await validate(run, state, pace);
    return pace;
  } catch (error) {
    if (error instanceof StepFailure) throw await failure(run, state, saved, error);
    if (!run.stop.aborted) throw error;
    throw await interruption(run, state, saved, error);
  }
}

/** The update at which the last checkpoint was written. */
interface Saved {
  at: number;
}

/** The rest of the epoch that the state is in. */
async function trainEpoch(
  run: TrainingRun,
  state: RunState,
  saved: Saved,
  pace: Pace,
): Promise<void> {
  const { train } = run.config;
  state.epoch = Math.max(state.epoch, 1);
  const batches = batchesOf(run, state.epoch);
  // First for a run that was stopped in the middle of it.
  const validateIfDue = async () => {
    const isNew = state.validatedAt < state.step;
    if (isNew && isDue(train.evaluate_every, state.step)) await validate(run, state, pace);
  };
  await validateIfDue();
  while (state.next < batches.count && reasonToEnd(run, state, pace) === undefined) {
    run.stop.throwIfAborted();
    const count = Math.min(stepsOfRun(run, state), batches.count - state.next);
    const taken = Array.from({ length: count }, (_, i) => batches.at(state.next + i));
    await pace.steps(taken, () => trainRun(run, state, taken));
    await validateIfDue();
    if (isDue(train.checkpoint_every, state.step)) await checkpoint(run, state, saved);
  }
  const ended = state.step >= run.totalSteps;
  const isWhole = state.next >= batches.count;
  if (((train.evaluate_every === null && isWhole) || ended) && state.validatedAt < state.step) {
    await validate(run, state, pace);
  }
  if (train.checkpoint_every === null && isWhole) await checkpoint(run, state, saved);
  if (!isWhole) return;
  state.epoch++;
  state.next = 0;
}

/** The batches of an epoch, one for each update: of several that are accumulated, the texts together. */
export function batchesOf(
  { train, batches, config }: Pick<TrainingRun, 'train' | 'batches' | 'config'>,
  epoch: number,
): ReturnType<typeof trainingBatches> {
  const { seed, train: settings } = config;
  const batchSize = batches.batchSize * settings.accumulate;
  return trainingBatches(train, { ...batches, batchSize, seed, epoch });
}

/** A checkpoint of a run that goes on: masks begin anew where they do not follow from the batches. */
async function checkpoint(run: TrainingRun, state: RunState, saved: Saved): Promise<void> {
  await saveLast(run, state, saved);
  if (!run.executor.masksFollowBatches) await run.executor.continueAt(state.runs);
}

/** Steps that go to the executor together: as many as it wants, but none past a validation, a checkpoint or the end. */
function stepsOfRun({ executor, config, totalSteps }: TrainingRun, { step }: RunState): number {
  const until = (every: number | null): number =>
    every === null ? Number.POSITIVE_INFINITY : every - (step % every);
  const { evaluate_every: validation, checkpoint_every: checkpoint } = config.train;
  return Math.min(
    executor.stepsPerRun ?? 1,
    totalSteps - step,
    until(validation),
    until(checkpoint),
  );
}

async function trainRun(
  run: TrainingRun,
  state: RunState,
  batches: readonly Batch[],
): Promise<void> {
  const updates = batches.map((_, i) => {
    const step = state.step + 1 + i;
    return { step, learningRate: run.learningRate(step) };
  });
  const smoothed = batches.map((batch) => smoothLabels(batch, run.config.train.label_smoothing));
  const results = await trainSteps(run.executor, smoothed, updates).catch((error: unknown) => {
    if (error instanceof StepFailure) {
      advance(run, state, batches.slice(0, error.step - 1 - state.step));
    }
    throw error;
  });
  const { epoch } = state;
  for (const [i, { loss, gradNorm, skipped }] of results.entries()) {
    const { step, learningRate } = updates[i] ?? { step: state.step + 1, learningRate: 0 };
    const tokens = (batches[i]?.size ?? 0) * (batches[i]?.length ?? 0);
    advance(run, state, batches.slice(i, i + 1));
    state.lossSum += loss;
    state.lossCount++;
    if (skipped) state.skipped++;
    run.log.write({
      event: 'step',
      step,
      epoch,
      loss,
      learning_rate: learningRate,
      grad_norm: gradNorm,
      tokens,
      ...(skipped === undefined ? {} : { skipped }),
    });
    run.progress.step({ step, epoch, loss, tokens, skipped: state.skipped });
  }
}

/** These batches are done, an update each. */
function advance(run: TrainingRun, state: RunState, batches: readonly Batch[]): void {
  state.step += batches.length;
  state.next += batches.length;
  for (const { size } of batches) state.runs += run.executor.runsOf(size);
}

/**
 * Measures the validation split, quickly: the first window of each text, uncalibrated. The finished model is measured
 * as it is served. The best state so far is written.
 */
async function validate(run: TrainingRun, state: RunState, pace: Pace): Promise<void> {
  const { step, epoch } = state;
  const { best_metric: metric } = run.config.train;
  const phase = run.progress.pause('validate', run.validation.length, 'texts');
  const scores = await pace
    .validation(() =>
      scoreSplit(run.executor, run.validation, run.task, {
        ...run.batches,
        maxWindows: 1,
        stop: run.stop,
        onWindows: phase.at,
      }),
    )
    .finally(phase.end);
  const evaluation = evaluateAxes(run.task.axes, scores.probabilities, scores.labels);
  const found: Best = {
    step,
    epoch,
    value: metricValue(metric, evaluation, scores.loss),
    macroF1: evaluation.average.macro_f1,
    // A checkpoint holds it as JSON, which has no other numbers.
    loss: Number.isFinite(scores.loss) ? scores.loss : Number.MAX_VALUE,
  };
  const trainLoss = state.lossSum / Math.max(state.lossCount, 1);
  const isBest = isBetter(metric, found, state.best);
  Object.assign(state, { validatedAt: step, lossSum: 0, lossCount: 0 });
  state.worse = isBest ? 0 : state.worse + 1;
  run.log.write({
    event: 'validation',
    step,
    epoch,
    train_loss: trainLoss,
    loss: scores.loss,
    best: isBest,
    ...evaluation,
  });
  run.progress.print(
    [
      `\nepoch ${epoch}, step ${step}: training loss ${trainLoss.toFixed(4)}, validation loss ${scores.loss.toFixed(4)}${isBest ? `, the best so far by ${metric}` : ''}`,
      `${evaluationTable(evaluation, run.majority)}\n`,
    ].join('\n'),
  );
  if (isBest) {
    state.best = found;
    await write(run, 'best', state);
  }
}

const write = (run: TrainingRun, name: CheckpointName, state: RunState): Promise<string> =>
  run.progress.wait('checkpoint', `writing the ${name} one`, () =>
    run.checkpoints.save(name, run.executor.state(), state),
  );

async function saveLast(run: TrainingRun, state: RunState, saved: Saved): Promise<string> {
  const file = await write(run, 'last', state);
  saved.at = state.step;
  return file;
}

async function interruption(
  run: TrainingRun,
  state: RunState,
  saved: Saved,
  reason: unknown,
): Promise<AppError> {
  const why = reason instanceof AppError ? reason.message : 'interrupted';
  run.progress.finish();
  run.log.write({ event: 'interrupted', step: state.step, epoch: state.epoch });
  const file = await saveLast(run, state, saved);
  return new AppError(
    'interrupted',
    `${why} after step ${state.step} of ${run.totalSteps}; the state is in ${file}`,
    { cause: reason, hint: 'go on with: mbti-train --resume and the folder of the run' },
  );
}

/** The executor's state is the one before the step that failed; the message names its texts. */
async function failure(
  run: TrainingRun,
  state: RunState,
  saved: Saved,
  reason: StepFailure,
): Promise<AppError> {
  const { epoch, next } = state;
  const batches = batchesOf(run, epoch);
  const { indices } = batches.at(next);
  run.progress.finish();
  run.log.write({ event: 'failed', step: reason.step, epoch, batch: next + 1, texts: indices });
  const file = await saveLast(run, state, saved);
  const texts = indices.slice(0, 8).join(', ') + (indices.length > 8 ? ', …' : '');
  return new AppError(
    'training_failed',
    `${reason.message}; it was batch ${next + 1} of ${batches.count} of epoch ${epoch}, texts ${texts} of the training split; the state before it is in ${file}`,
    { cause: reason, ...(reason.hint === undefined ? {} : { hint: reason.hint }) },
  );
}

function isDue(every: number | null, step: number): boolean {
  return every !== null && step % every === 0;
}

/** Why training ends now, undefined while it goes on: its `steps` are done, or another limit was met. */
function reasonToEnd(run: TrainingRun, state: RunState, pace: Pace): string | undefined {
  const { best_metric: metric, patience, max_minutes: minutes } = run.config.train;
  if (state.step >= run.totalSteps) return 'steps';
  if (patience !== null && state.worse >= patience) {
    return `${patience} validations brought no better ${metric} (train.patience)`;
  }
  if (run.isOver) return 'it had ended before';
  // One step at least: without any there is nothing to measure. The steps before the last validation, and that
  // validation, have their place within the limit.
  if (state.step > 0 && run.timeIsUp(pace.untilValidated(run.validation.length))) {
    return `${minutes} minutes have passed, or would with the last validation (train.max_minutes)`;
  }
  return undefined;
}
