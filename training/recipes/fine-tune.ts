import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { Config, LoadedConfig } from '../../src/config/index.ts';
import { AppError } from '../../src/errors.ts';
import { writeFileAtomically } from '../../src/files/index.ts';
import { untunedTask } from '../../src/task/index.ts';
import { windowCount } from '../../src/text/index.ts';
import { compileArtifacts, inferenceModel, writeArtifacts } from '../artifacts/index.ts';
import { corpusTokenizer, loadCorpus, tokenizeExamples } from '../data/index.ts';
import { evaluationTable, majorityBaseline } from '../evaluate/index.ts';
import { elementCount } from '../onnx/tensor.ts';
import { learningRateSchedule } from '../optim/index.ts';
import { optimizeForInference } from '../rewrite/optimize.ts';
import { createExecutor } from '../runtime/index.ts';
import { createProgress, openRunLog, type Screen } from '../tracking/index.ts';
import { baseModel, withLocalBase } from './base-model.ts';
import { runCheckpoints } from './checkpoints.ts';
import { dataSummary } from './data-summary.ts';
import { missingFiles } from './deploy.ts';
import { deviceSummary, skippedSummary } from './device-summary.ts';
import { measure, type Results } from './measure.ts';
import { batchOptions, writeModelBundle } from './model-bundle.ts';
import { positiveWeights } from './pos-weight.ts';
import { requirePossible } from './requirements.ts';
import { RUN_CONFIG_FILE } from './resume.ts';
import { modelHash } from './run-identity.ts';
import { lockRun } from './run-lock.ts';
import { type Best, newRunState, type RunState } from './run-state.ts';
import { labelTable } from './split-scores.ts';
import { batchesOf, type TrainingRun, trainEpochs } from './training-loop.ts';

export interface FineTuneOptions {
  readonly screen: Screen;
  readonly verbose: boolean;
  /** Training stops after the current step, writes its state and throws `interrupted`. */
  readonly stop: AbortSignal;
  /** Goes on from the last checkpoint of the run's folder. */
  readonly resume?: boolean;
}

/**
 * Data → training → best checkpoint → temperatures and thresholds → test → int8 → bundle. Everything about the run
 * goes to `run.dir`; `model.out` changes only at the very end, all at once. Where no smaller file keeps its limits,
 * the bundle is written without one and the screen says so; with `quantize.required` AppError
 * `quantization_refused` is thrown then.
 */
export async function fineTune(loaded: LoadedConfig, options: FineTuneOptions): Promise<void> {
  requirePossible(loaded.config);
  const release = lockRun(loaded.config.run.dir);
  try {
    await runFineTune(loaded, options);
  } finally {
    release();
  }
}

async function runFineTune(loaded: LoadedConfig, options: FineTuneOptions): Promise<void> {
  const { hash } = loaded;
  const { screen, verbose, stop } = options;
  const config = await withLocalBase(loaded.config, screen);

  const data = await prepare(config);
  screen.write(`${dataSummary(data.report)}\n`);
  stop.throwIfAborted();

  const model = await compile(config, data);
  screen.write(`${modelSummary(data, model)}\n`);
  screen.write(`${deviceSummary(config)}\n`);
  const checkpoints = runCheckpoints(config, {
    config_hash: hash,
    data_hash: data.dataHash,
    model_hash: modelHash(model.compiled),
  });
  const resumed = options.resume ? await checkpoints.load('last') : undefined;
  await writeRunFiles(loaded, model);
  if (!resumed) await checkpoints.clear();
  stop.throwIfAborted();

  const executor = await createExecutor(model.compiled, { ...config.runtime, verbose });
  const state = resumed?.state ?? newRunState();
  const log = openRunLog(join(config.run.dir, 'log.jsonl'), { resumeAfter: resumed?.state.step });
  try {
    if (resumed) {
      executor.load(resumed.tensors);
      await executor.continueAt(state.runs);
    }
    log.write({
      event: resumed ? 'resume' : 'start',
      step: state.step,
      config_hash: hash,
      data_hash: data.dataHash,
    });
    await train(config, data, { executor, log, checkpoints, state }, options);
    const { tensors, state: atBest } = await checkpoints.load('best');
    executor.load(tensors);
    const best = atBest.best ?? noBest();
    const forward = inferenceModel(model.base.model, model.compiled, executor.parameters());
    const finished = optimizeForInference(forward).model;
    screen.write(`measuring  ${measuredTexts(config, data)}\n`);
    const { results, reference } = await measure(config, data, finished, stop);
    log.write({ event: 'result', best, skipped: state.skipped, ...results });
    await writeFileAtomically(join(config.run.dir, 'metrics.json'), json({ best, ...results }));
    const trained = { model: finished, hfConfig: model.base.hfConfig, reference };
    const leftOut = await writeModelBundle(loaded, data, trained, results, { screen, stop });
    screen.write(`${resultSummary(config, best, results)}\n`);
    const missing = missingFiles(config.model.out, leftOut);
    if (missing && config.quantize.required) throw missing;
    if (missing) screen.write(`\nWARNING    ${missing.message}\n${missing.hint}\n`);
  } finally {
    log.close();
    await executor.dispose();
  }
}

function noBest(): never {
  throw new AppError('internal', 'training ended without a validation');
}

type Data = Awaited<ReturnType<typeof prepare>>;

/** Reads, cleans and splits the texts, and turns them into ids. */
async function prepare(config: Config) {
  const { splits, dataHash, report } = await loadCorpus(config);
  const words = corpusTokenizer(config, splits.train);
  const task = untunedTask(config.task, config.data.clean);
  return {
    dataHash,
    report,
    words,
    task,
    train: tokenizeExamples(splits.train, words.tokenizer),
    validation: tokenizeExamples(splits.validation, words.tokenizer),
    test: tokenizeExamples(splits.test, words.tokenizer),
    /** Of the training split, [rows, axes]. */
    labels: labelTable(splits.train, task.axes.length),
  };
}

type CompiledModel = Awaited<ReturnType<typeof compile>>;

/** The base's forward graph with a task head, differentiated: the training artifacts. */
async function compile(config: Config, { words, task, labels }: Data) {
  const { seed, train, runtime } = config;
  const base = await baseModel(config, words.tokenizer);
  const compiled = compileArtifacts(base.model, {
    head: base.head,
    labels: task.axes.length,
    posWeight: positiveWeights(train.pos_weight, labels, task.axes.length),
    dropout: train.dropout,
    hidden: config.model.hidden ?? undefined,
    recompute: train.recompute,
    frozen: train.freeze,
    weightDecay: train.weight_decay,
    maxGradNorm: train.max_grad_norm,
    accumulate: train.accumulate,
    precision: runtime.precision === 'fp16' ? 'fp16' : 'fp32',
    seed,
  });
  return { base, compiled };
}

async function writeRunFiles(
  { config, resolved, hash }: LoadedConfig,
  { compiled }: CompiledModel,
) {
  await mkdir(config.run.dir, { recursive: true });
  await writeFileAtomically(join(config.run.dir, RUN_CONFIG_FILE), json(resolved));
  await writeArtifacts(join(config.run.dir, 'artifacts'), compiled, hash);
}

/** Epochs of training with validations, from a state on. */
async function train(
  config: Config,
  data: Data,
  { state, ...run }: Pick<TrainingRun, 'executor' | 'log' | 'checkpoints'> & { state: RunState },
  { screen, stop }: FineTuneOptions,
): Promise<void> {
  const batches = batchOptions(config, data.words);
  const first = batchesOf({ train: data.train, batches, config }, 1);
  const limit = config.train.max_steps ?? Number.POSITIVE_INFINITY;
  const totalSteps = Math.min(first.count * config.train.epochs, limit);
  const epochs = Math.ceil(totalSteps / first.count);
  const progress = createProgress({ screen, steps: totalSteps, epochs });
  const held = labelTable(data.validation, data.task.axes.length);
  progress.print(
    `training   ${totalSteps} steps, ${first.count} an epoch${goingOn(state)}\n${firstWindowsOnly(config, data)}`,
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
    await trainEpochs(settings, state);
    if (state.skipped > 0) progress.print(skippedSummary(state));
  } finally {
    progress.finish();
  }
}

const goingOn = ({ step }: RunState): string => (step > 0 ? `, going on after step ${step}` : '');

/** That validations while training are quick, where that makes a difference. */
function firstWindowsOnly({ train }: Config, { validation }: Data): string {
  const longer = validation.filter(({ ids }) => windowCount(ids.length, train.max_length) > 1);
  if (longer.length === 0) return '';
  return `validation while training reads the first window only: ${longer.length} of ${validation.length} texts have more; the end measures all\n`;
}

/** Whether so many minutes have passed from now on. */
function timer(minutes: number | null): () => boolean {
  const until = performance.now() + (minutes ?? Number.POSITIVE_INFINITY) * 60_000;
  return () => performance.now() >= until;
}

/** What is measured at the end, and how much more that is than the first windows. */
function measuredTexts({ limits, train }: Config, { validation, test }: Data): string {
  const texts = [...validation, ...test];
  const windows = texts.reduce(
    (sum, { ids }) => sum + Math.min(windowCount(ids.length, train.max_length), limits.max_windows),
    0,
  );
  return `${texts.length} validation and test texts as they are served, ${windows} windows`;
}

function modelSummary({ words }: Data, { base, compiled }: CompiledModel): string {
  const trained = compiled.parameters.reduce((sum, { shape }) => sum + elementCount(shape), 0);
  return [
    `tokenizer  ${words.tokenizer.vocabularySize} word pieces`,
    `model      ${base.description}; ${trained.toLocaleString('en')} trained parameters`,
  ].join('\n');
}

function resultSummary({ model }: Config, best: Best, results: Results): string {
  const { test, majority } = results;
  return [
    `test, with the best state (epoch ${best.epoch}, step ${best.step}), temperatures and thresholds of the validation split`,
    evaluationTable(test, majority),
    ...temperatureLines(results),
    `\nwrote ${model.out}; serve it with: npx mbti-serve --model ${model.out}`,
  ].join('\n');
}

/** What the temperature of each axis changes on the test split. */
function temperatureLines({ task, test, uncalibrated }: Results): string[] {
  return task.axes.map(({ name, temperature }) => {
    const [before, after] = [uncalibrated.test.axes[name], test.axes[name]];
    const change = (figure: 'log_loss' | 'ece') =>
      `${before?.[figure]?.toFixed(3)} → ${after?.[figure].toFixed(3)}`;
    return `${name}: temperature ${temperature.toFixed(2)}, log loss ${change('log_loss')}, ECE ${change('ece')}`;
  });
}

function json(value: unknown): string {
  return `${JSON.stringify(value, null, 2)}\n`;
}
