import { join } from 'node:path';
import type { Config, LoadedConfig } from '../../src/config/index.ts';
import { AppError } from '../../src/errors.ts';
import { writeFileAtomically } from '../../src/files/index.ts';
import { windowCount } from '../../src/text/index.ts';
import { inferenceModel } from '../artifacts/index.ts';
import { hashSource } from '../data/index.ts';
import { optimizeForInference } from '../deploy/optimize.ts';
import { majorityBaseline } from '../evaluate/index.ts';
import { learningRateSchedule } from '../optim/index.ts';
import { createExecutor } from '../runtime/index.ts';
import { createProgress, openRunLog, type Screen, whileWaiting } from '../tracking/index.ts';
import { missingFiles } from './delivery/deploy.ts';
import { measure } from './delivery/measure.ts';
import { batchOptions, resultSummary, writeModelBundle } from './delivery/model-bundle.ts';
import { labelTable } from './delivery/split-scores.ts';
import { withLocalBase } from './learn/base-model.ts';
import { dataSummary } from './learn/data-summary.ts';
import { deviceSummary, skippedSummary } from './learn/device-summary.ts';
import type { Pace } from './learn/pace.ts';
import { requirePossible } from './learn/requirements.ts';
import { type RunData, readCorpus, tokenizeCorpus } from './learn/run-data.ts';
import {
  type CompiledModel,
  compile,
  isLarge,
  modelSummary,
  writeRunFiles,
} from './learn/run-model.ts';
import { limitSummary, timeAfterTraining, timer, workAfterTraining } from './learn/time-limit.ts';
import { batchesOf, type TrainingRun, trainEpochs } from './learn/training-loop.ts';
import {
  type Checkpoint,
  type Checkpoints,
  loadBest,
  restore,
  runCheckpoints,
} from './run/checkpoints.ts';
import {
  clearRun,
  decideRun,
  foreignBundle,
  hasAllThatIsWanted,
  isTrainingOver,
  METRICS_FILE,
  markUnfinished,
  RUN_LOG_FILE,
  type Start,
  writeFinished,
} from './run/folder.ts';
import { modelHash } from './run/identity.ts';
import { lockRun, lockRunPatiently } from './run/lock.ts';
import { newRunState, type RunState } from './run/state.ts';

export interface FineTuneOptions {
  readonly screen: Screen;
  readonly verbose: boolean;
  /** Training stops after the current step, writes its state and throws `interrupted`. */
  readonly stop: AbortSignal;
  /** What to do with the run that `run.dir` may hold: `begin`, unless said, which refuses to replace any. */
  readonly start?: Start;
}

/**
 * Data → training → best checkpoint → temperatures and thresholds → test → int8 → bundle. Everything about the run
 * goes to `run.dir`; `model.out` changes only at the very end, all at once. Where no smaller file keeps its limits,
 * the bundle is written without one and the screen says so; with `quantize.required` AppError
 * `quantization_refused` is thrown then, and the run is not finished.
 */
export async function fineTune(loaded: LoadedConfig, options: FineTuneOptions): Promise<void> {
  requirePossible(loaded.config);
  const { dir } = loaded.config.run;
  const say = (what: string) => options.screen.write(`run        ${what}\n`);
  const release = await (options.start === 'continue'
    ? lockRunPatiently(dir, { say, stop: options.stop })
    : lockRun(dir));
  try {
    await runFineTune(loaded, options);
  } finally {
    release();
  }
}

async function runFineTune(loaded: LoadedConfig, options: FineTuneOptions): Promise<void> {
  const { screen, stop } = options;
  const start = options.start ?? 'begin';
  const { way, notice } = decideRun(start, loaded);
  if (notice !== undefined) screen.write(`run        ${notice}\n`);
  if (way === 'check') {
    const { source } = loaded.config.data;
    const isDone = source !== null && hasAllThatIsWanted(loaded, await hashSource(source));
    screen.write(`           ${isDone ? NOTHING_TO_DO : BUNDLE_ANEW}\n`);
    if (isDone) return;
  }
  // Before the texts: what its tokenizer cannot tell apart is one text.
  const config = await withLocalBase(loaded.config, screen);
  const corpus = await readCorpus(config, screen);
  screen.write(`${dataSummary(corpus.report)}\n`);
  for (const warning of corpus.warnings) screen.write(`warning    ${warning}\n`);
  const foreign = foreignBundle(loaded, corpus.dataHash);
  if (foreign !== undefined) screen.write(`bundle     ${foreign}\n`);
  stop.throwIfAborted();

  const data = await tokenizeCorpus(config, corpus, screen);
  const model = await compile(config, data, screen);
  screen.write(`${modelSummary(data, model)}\n`);
  screen.write(`${deviceSummary(config)}\n`);
  const checkpoints = runCheckpoints(config, {
    config_hash: loaded.hash,
    data_hash: data.dataHash,
    model_hash: modelHash(model.compiled),
  });
  const resumed = way === 'anew' ? undefined : await checkpoints.load('last');
  const isOver = resumed !== undefined && isTrainingOver(way, start, loaded, resumed.state.step);
  // What is found wrong now costs no hours of training.
  if (resumed?.state.best) await loadBest(checkpoints, resumed.state, { goesOn: !isOver });
  if (resumed) markUnfinished(config.run.dir);
  else clearRun(config.run.dir);
  await whileWaiting(screen, { label: 'artifacts', what: 'writing them' }, () =>
    writeRunFiles(loaded, model),
  );
  stop.throwIfAborted();
  await execute({ loaded, config, data, model, checkpoints, resumed, isOver }, options);
}

const NOTHING_TO_DO =
  'with these settings and this data, and its bundle is there: nothing is left to do';
const BUNDLE_ANEW = 'whose bundle is not there, or was made with other settings: it is made again';

/** What stands when the device is called for. */
interface Prepared {
  readonly loaded: LoadedConfig;
  /** With a local base. */
  readonly config: Config;
  readonly data: RunData;
  readonly model: CompiledModel;
  readonly checkpoints: Checkpoints;
  readonly resumed: Checkpoint | undefined;
  /** Nothing is trained any more. */
  readonly isOver: boolean;
}

async function execute(prepared: Prepared, options: FineTuneOptions): Promise<void> {
  const { loaded, config, data, model, checkpoints, resumed, isOver } = prepared;
  const { screen, verbose } = options;
  const loading = { label: 'load', what: 'the training graphs' };
  const executor = await whileWaiting(screen, loading, () =>
    createExecutor(model.compiled, { ...config.runtime, verbose }),
  );
  const state = resumed?.state ?? newRunState();
  const log = openRunLog(join(config.run.dir, RUN_LOG_FILE), { resumeAfter: resumed?.state.step });
  try {
    if (resumed) {
      restore(executor, 'last', resumed);
      await executor.continueAt(state.runs);
    }
    log.write({
      event: resumed ? 'resume' : 'start',
      step: state.step,
      config_hash: loaded.hash,
      data_hash: data.dataHash,
      warnings: data.warnings,
    });
    const pace = await train(config, data, { executor, log, checkpoints, state, isOver }, options);
    const after = timeAfterTraining(config, data, pace);
    if (after !== undefined) screen.write(`${after}\n`);
    await afterTraining(prepared, { executor, log, state }, options).catch((error: unknown) => {
      throw options.stop.aborted ? stoppedAfterTraining(config, error) : error;
    });
  } finally {
    log.close();
    await executor.dispose();
  }
}

/** The best state is measured, and made a bundle. */
async function afterTraining(
  { loaded, config, data, model, checkpoints }: Prepared,
  { executor, log, state }: Pick<TrainingRun, 'executor' | 'log'> & { state: RunState },
  { screen, stop }: FineTuneOptions,
): Promise<void> {
  const atBest = await loadBest(checkpoints, state, { goesOn: false });
  restore(executor, 'best', atBest);
  const { best } = atBest;
  const forward = inferenceModel(model.base.model, model.compiled, executor.parameters());
  const optimizing = {
    label: 'optimize',
    what: 'the graph that is served',
    busy: isLarge(forward),
  };
  const finished = await whileWaiting(
    screen,
    optimizing,
    () => optimizeForInference(forward).model,
  );
  const { results, reference } = await measure(config, data, finished, { screen, stop });
  const { warnings } = data;
  log.write({ event: 'result', best, skipped: state.skipped, ...results, warnings });
  const metrics = json({ best, ...results, warnings });
  await writeFileAtomically(join(config.run.dir, METRICS_FILE), metrics);
  const trained = { model: finished, hfConfig: model.base.hfConfig, reference };
  const { version, leftOut } = await writeModelBundle(loaded, data, trained, results, {
    screen,
    stop,
  });
  screen.write(`${resultSummary(config, best, results)}\n`);
  const missing = missingFiles(config.model.out, leftOut);
  if (missing && config.quantize.required) throw missing;
  if (missing) screen.write(`\n${labelled('warning', `${missing.message}\n${missing.hint}`)}\n`);
  await writeFinished(loaded, data.dataHash, version);
}

function stoppedAfterTraining({ run }: Config, cause: unknown): AppError {
  const why = cause instanceof AppError ? cause.message : 'interrupted';
  return new AppError('interrupted', `${why} after training, before the bundle was written`, {
    cause,
    hint: `make the bundle with: mbti-train --resume ${run.dir}`,
  });
}

/** Epochs of training with validations, from a state on. */
async function train(
  config: Config,
  data: RunData,
  {
    state,
    ...run
  }: Pick<TrainingRun, 'executor' | 'log' | 'checkpoints' | 'isOver'> & {
    state: RunState;
  },
  { screen, stop }: FineTuneOptions,
): Promise<Pace> {
  const batches = batchOptions(config, data.words);
  const first = batchesOf({ train: data.train, batches, config }, 1);
  const limit = config.train.max_steps ?? Number.POSITIVE_INFINITY;
  const totalSteps = Math.min(first.count * config.train.epochs, limit);
  const epochs = Math.ceil(totalSteps / first.count);
  const progress = createProgress({ screen, steps: totalSteps, epochs });
  const held = labelTable(data.validation, data.task.axes.length);
  progress.print(
    [
      `training   ${totalSteps} steps, ${first.count} an epoch${goingOn(state)}${limitSummary(config)}`,
      ...firstWindowsOnly(config, data, run.isOver || state.step >= totalSteps),
      `after it   ${workAfterTraining(config, data)}\n`,
    ].join('\n'),
  );
  try {
    const settings = {
      ...run,
      ...data,
      config,
      batches,
      majority: majorityBaseline(data.task.axes, data.labels, held),
      totalSteps,
      learningRate: learningRateSchedule(config.train, totalSteps),
      progress,
      stop,
      timeIsUp: timer(config.train.max_minutes),
    };
    const pace = await trainEpochs(settings, state);
    if (state.skipped > 0) progress.print(skippedSummary(state));
    return pace;
  } finally {
    progress.finish();
  }
}

const goingOn = ({ step }: RunState): string => (step > 0 ? `, going on after step ${step}` : '');

/** That validations while training are quick, where any are to come and that makes a difference. */
function firstWindowsOnly({ train, limits }: Config, { validation }: RunData, isOver: boolean) {
  if (isOver || limits.max_windows === 1) return [];
  const longer = validation.filter(({ ids }) => windowCount(ids.length, train.max_length) > 1);
  if (longer.length === 0) return [];
  return [
    `           validation while training reads the first window only: ${longer.length} of ${validation.length} texts have more; the end measures all`,
  ];
}

/** Lines under a label. */
const labelled = (label: string, text: string): string =>
  `${label.padEnd(10)} ${text.replaceAll('\n', `\n${' '.repeat(11)}`)}`;

function json(value: unknown): string {
  return `${JSON.stringify(value, null, 2)}\n`;
}
