import type { Config } from '../../src/config/index.ts';
import { AppError } from '../../src/errors.ts';
import type { Task } from '../../src/task/index.ts';
import {
  type Batch,
  type BatchOptions,
  type TokenizedExample,
  trainingBatches,
} from '../data/index.ts';
import { type Evaluation, evaluateAxes, evaluationTable } from '../evaluate/index.ts';
import { type Executor, trainSteps } from '../runtime/index.ts';
import type { Progress, RunLog } from '../tracking/index.ts';
import type { Checkpoints } from './checkpoints.ts';
import { scoreSplit } from './split-scores.ts';

/** A validation that was the best so far. */
export interface Best {
  readonly step: number;
  readonly epoch: number;
  /** Average over the axes. */
  readonly macroF1: number;
  readonly loss: number;
}

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
}

interface State {
  step: number;
  epoch: number;
  /** Since the last validation. */
  lossSum: number;
  lossCount: number;
  validatedAt: number;
  savedAt: number;
  best: Best | undefined;
  /** Validations since the best one. */
  worse: number;
}

/**
 * Trains until the last update, or until `train.patience` validations brought nothing better. Keeps
 * the best and the last state as checkpoints. AppError `interrupted` after a stop, when the last state
 * has been written; what the executor throws, such as `training_failed`, passes through.
 */
export async function trainEpochs(run: TrainingRun): Promise<Best> {
  const state: State = {
    step: 0,
    epoch: 0,
    lossSum: 0,
    lossCount: 0,
    validatedAt: 0,
    savedAt: 0,
    best: undefined,
    worse: 0,
  };
  try {
    while (!isDone(run, state)) await trainEpoch(run, state);
    if (state.savedAt < state.step) await saveLast(run, state);
  } catch (error) {
    if (!run.stop.aborted) throw error;
    throw await interruption(run, state, error);
  }
  if (!state.best) throw new AppError('internal', 'training ended without a validation');
  return state.best;
}

async function trainEpoch(run: TrainingRun, state: State): Promise<void> {
  const { seed, train } = run.config;
  state.epoch++;
  const batches = trainingBatches(run.train, { ...run.batches, seed, epoch: state.epoch });
  let next = 0;
  while (next < batches.count) {
    run.stop.throwIfAborted();
    const count = Math.min(stepsOfRun(run, state), batches.count - next);
    await trainRun(
      run,
      state,
      Array.from({ length: count }, (_, i) => batches.at(next + i)),
    );
    next += count;
    if (isDue(train.evaluate_every, state.step)) await validate(run, state);
    if (isDue(train.checkpoint_every, state.step)) await saveLast(run, state);
    if (isDone(run, state)) break;
  }
  const ended = state.step >= run.totalSteps;
  if ((train.evaluate_every === null || ended) && state.validatedAt < state.step) {
    await validate(run, state);
  }
  if (train.checkpoint_every === null) await saveLast(run, state);
}

/** Steps that go to the executor together: as many as it wants, but none past a validation, a checkpoint or the end. */
function stepsOfRun({ executor, config, totalSteps }: TrainingRun, { step }: State): number {
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

async function trainRun(run: TrainingRun, state: State, batches: readonly Batch[]): Promise<void> {
  const updates = batches.map((_, i) => {
    const step = state.step + 1 + i;
    return { step, learningRate: run.learningRate(step) };
  });
  const results = await trainSteps(run.executor, batches, updates);
  const { epoch } = state;
  for (const [i, { loss, gradNorm }] of results.entries()) {
    const { step, learningRate } = updates[i] ?? { step: state.step + 1, learningRate: 0 };
    const tokens = (batches[i]?.size ?? 0) * (batches[i]?.length ?? 0);
    state.step = step;
    state.lossSum += loss;
    state.lossCount++;
    run.log.write({
      event: 'step',
      step,
      epoch,
      loss,
      learning_rate: learningRate,
      grad_norm: gradNorm,
      tokens,
    });
    run.progress.step({ step, epoch, loss, tokens });
  }
}

/** Measures the validation split; the best state so far is written. */
async function validate(run: TrainingRun, state: State): Promise<void> {
  const { step, epoch } = state;
  run.progress.pause(`epoch ${epoch}: validating on ${run.validation.length} texts …`);
  const scores = await scoreSplit(run.executor, run.validation, run.task, {
    ...run.batches,
    stop: run.stop,
  });
  const evaluation = evaluateAxes(run.task.axes, scores.probabilities, scores.labels);
  const found: Best = { step, epoch, macroF1: evaluation.average.macro_f1, loss: scores.loss };
  const trainLoss = state.lossSum / Math.max(state.lossCount, 1);
  const isBest = isBetter(found, state.best);
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
      `\nepoch ${epoch}, step ${step}: training loss ${trainLoss.toFixed(4)}, validation loss ${scores.loss.toFixed(4)}${isBest ? ', the best so far' : ''}`,
      `${evaluationTable(evaluation, run.majority)}\n`,
    ].join('\n'),
  );
  if (isBest) {
    state.best = found;
    await run.checkpoints.save('best', run.executor.state(), state);
  }
  run.progress.pause();
}

async function saveLast(run: TrainingRun, state: State): Promise<string> {
  state.savedAt = state.step;
  return run.checkpoints.save('last', run.executor.state(), state);
}

async function interruption(run: TrainingRun, state: State, reason: unknown): Promise<AppError> {
  const why = reason instanceof AppError ? reason.message : 'interrupted';
  run.progress.finish();
  run.log.write({ event: 'interrupted', step: state.step, epoch: state.epoch });
  const file = await saveLast(run, state);
  return new AppError(
    'interrupted',
    `${why} after step ${state.step} of ${run.totalSteps}; the state is in ${file}`,
    { cause: reason },
  );
}

/** By average macro-F1; among equals, as long as all axes give their majority, by the loss. */
function isBetter(found: Best, best: Best | undefined): boolean {
  if (!best) return true;
  if (found.macroF1 !== best.macroF1) return found.macroF1 > best.macroF1;
  return found.loss < best.loss;
}

function isDue(every: number | null, step: number): boolean {
  return every !== null && step % every === 0;
}

function isDone(run: TrainingRun, state: State): boolean {
  const { patience } = run.config.train;
  return state.step >= run.totalSteps || (patience !== null && state.worse >= patience);
}
