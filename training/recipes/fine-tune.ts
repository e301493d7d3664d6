import { mkdir } from 'node:fs/promises';
import { basename, join, resolve } from 'node:path';
import type { Config, LoadedConfig } from '../../src/config/index.ts';
import { type Task, untunedTask } from '../../src/task/index.ts';
import { compileArtifacts, inferenceModel, writeArtifacts } from '../artifacts/index.ts';
import { classifierConfig, writeBundle } from '../bundle/index.ts';
import { writeFileAtomically } from '../data/atomic.ts';
import {
  type BatchOptions,
  corpusTokenizer,
  loadCorpus,
  tokenizeExamples,
  trainingBatches,
} from '../data/index.ts';
import {
  column,
  type Evaluation,
  evaluateAxes,
  evaluationTable,
  majorityBaseline,
  tuneThreshold,
} from '../evaluate/index.ts';
import { encodeModel } from '../onnx/codec/index.ts';
import { elementCount, type Tensor } from '../onnx/tensor.ts';
import { learningRateSchedule } from '../optim/index.ts';
import { createExecutor, type Executor, findDevice } from '../runtime/index.ts';
import { createProgress, openRunLog, type Screen } from '../tracking/index.ts';
import { baseModel, withLocalBase } from './base-model.ts';
import { runCheckpoints } from './checkpoints.ts';
import { dataSummary } from './data-summary.ts';
import { metricSet } from './metric-set.ts';
import { positiveWeights } from './pos-weight.ts';
import { gitCommit, packageVersions } from './provenance.ts';
import { requirePossible } from './requirements.ts';
import { labelTable, scoreSplit } from './split-scores.ts';
import { withColumns } from './task-columns.ts';
import { type Best, type TrainingRun, trainEpochs } from './training-loop.ts';

export interface FineTuneOptions {
  readonly screen: Screen;
  readonly verbose: boolean;
  /** Training stops after the current step, writes its state and throws `interrupted`. */
  readonly stop: AbortSignal;
}

/**
 * Data → training → best checkpoint → tuned thresholds → test → bundle. Everything about the run
 * goes to `run.dir`; `model.out` changes only at the very end, all at once.
 */
export async function fineTune(loaded: LoadedConfig, options: FineTuneOptions): Promise<void> {
  const { hash } = loaded;
  const { screen, verbose, stop } = options;
  requirePossible(loaded.config);
  const config = await withLocalBase(loaded.config, screen);

  const data = await prepare(config);
  screen.write(`${dataSummary(data.report)}\n`);
  stop.throwIfAborted();

  const model = await compile(config, data);
  screen.write(`${modelSummary(data, model)}\n`);
  screen.write(`device     ${findDevice(config.runtime.device).note}\n`);
  await writeRunFiles(loaded, model);
  stop.throwIfAborted();

  const executor = await createExecutor(model.compiled, { ...config.runtime, verbose });
  const log = openRunLog(join(config.run.dir, 'log.jsonl'));
  try {
    log.write({ event: 'start', config_hash: hash, data_hash: data.dataHash });
    const run = { executor, log, checkpoints: runCheckpoints(config, hash) };
    const best = await train(config, data, run, options);
    executor.load(await run.checkpoints.load('best'));
    const results = await measure(config, data, executor, stop);
    log.write({ event: 'result', best, ...results });
    await writeFileAtomically(join(config.run.dir, 'metrics.json'), json({ best, ...results }));
    await writeModelBundle(loaded, data, model, executor.parameters(), results);
    screen.write(`${resultSummary(config, best, results)}\n`);
  } finally {
    log.close();
    await executor.dispose();
  }
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
  const { seed, train } = config;
  const base = await baseModel(config, words.tokenizer);
  const compiled = compileArtifacts(base.model, {
    head: base.head,
    labels: task.axes.length,
    posWeight: positiveWeights(train.pos_weight, labels, task.axes.length),
    dropout: train.dropout,
    recompute: train.recompute,
    frozen: train.freeze,
    weightDecay: train.weight_decay,
    maxGradNorm: train.max_grad_norm,
    seed,
  });
  return { base, compiled };
}

async function writeRunFiles(
  { config, resolved, hash }: LoadedConfig,
  { compiled }: CompiledModel,
) {
  await mkdir(config.run.dir, { recursive: true });
  await writeFileAtomically(join(config.run.dir, 'config.json'), json(resolved));
  await writeArtifacts(join(config.run.dir, 'artifacts'), compiled, hash);
}

/** Epochs of training with a validation after each; returns the best one. */
async function train(
  config: Config,
  data: Data,
  run: Pick<TrainingRun, 'executor' | 'log' | 'checkpoints'>,
  { screen, stop }: FineTuneOptions,
): Promise<Best> {
  const batches = batchOptions(config, data);
  const first = trainingBatches(data.train, { ...batches, seed: config.seed, epoch: 1 });
  const limit = config.train.max_steps ?? Number.POSITIVE_INFINITY;
  const totalSteps = Math.min(first.count * config.train.epochs, limit);
  const epochs = Math.ceil(totalSteps / first.count);
  const progress = createProgress({ screen, steps: totalSteps, epochs });
  const held = labelTable(data.validation, data.task.axes.length);
  progress.print(`training   ${totalSteps} steps, ${first.count} an epoch\n`);
  try {
    return await trainEpochs({
      ...run,
      ...data,
      config,
      batches,
      majority: majorityBaseline(data.task.axes, data.labels, held),
      totalSteps,
      learningRate: learningRateSchedule(config.train, totalSteps),
      progress,
      stop,
    });
  } finally {
    progress.finish();
  }
}

interface Results {
  /** With its tuned thresholds. */
  readonly task: Task;
  readonly validation: Evaluation;
  readonly test: Evaluation;
  /** On the test split. */
  readonly majority: Evaluation;
}

/** Thresholds tuned for macro-F1 on the validation split, then both held-out splits measured. */
async function measure(
  config: Config,
  data: Data,
  executor: Executor,
  stop: AbortSignal,
): Promise<Results> {
  const { task } = data;
  const width = task.axes.length;
  const options = { ...batchOptions(config, data), stop };
  const validation = await scoreSplit(executor, data.validation, task, options);
  const test = await scoreSplit(executor, data.test, task, options);
  const axes = task.axes.map((axis, i) => ({
    ...axis,
    threshold: tuneThreshold(
      column(validation.labels, i, width),
      column(validation.probabilities, i, width),
    ),
  }));
  return {
    task: { ...task, axes },
    validation: evaluateAxes(axes, validation.probabilities, validation.labels),
    test: evaluateAxes(axes, test.probabilities, test.labels),
    majority: majorityBaseline(axes, data.labels, test.labels),
  };
}

async function writeModelBundle(
  { config, hash }: LoadedConfig,
  { words, dataHash }: Data,
  { base, compiled }: CompiledModel,
  parameters: ReadonlyMap<string, Tensor>,
  { task, validation, test, majority }: Results,
): Promise<void> {
  const commit = gitCommit();
  await writeBundle({
    dir: config.model.out,
    model: encodeModel(inferenceModel(base.model, compiled, parameters)),
    tokenizerJson: words.tokenizerJson,
    tokenizerConfig: words.tokenizerConfig,
    hfConfig: classifierConfig(base.hfConfig, task),
    manifest: {
      name: basename(resolve(config.model.out)),
      task: withColumns(task, config.task),
      max_length: config.train.max_length,
      metrics: { validation: metricSet(validation), test: metricSet(test) },
      baselines: { majority: metricSet(majority) },
      config_hash: hash,
      data_hash: dataHash,
      ...(commit === undefined ? {} : { git_commit: commit }),
      packages: packageVersions(),
    },
  });
}

function batchOptions({ train }: Config, { words }: Data): BatchOptions {
  const { batch_size: batchSize, max_length: maxLength } = train;
  return { batchSize, maxLength, tokenizer: words.tokenizer };
}

function modelSummary({ words }: Data, { base, compiled }: CompiledModel): string {
  const trained = compiled.parameters.reduce((sum, { shape }) => sum + elementCount(shape), 0);
  return [
    `tokenizer  ${words.tokenizer.vocabularySize} word pieces`,
    `model      ${base.description}; ${trained.toLocaleString('en')} trained parameters`,
  ].join('\n');
}

function resultSummary({ model }: Config, best: Best, { test, majority }: Results): string {
  return [
    `test, with the best state (epoch ${best.epoch}, step ${best.step}) and tuned thresholds`,
    evaluationTable(test, majority),
    `\nwrote ${model.out}; serve it with: npx mbti-serve --model ${model.out}`,
  ].join('\n');
}

function json(value: unknown): string {
  return `${JSON.stringify(value, null, 2)}\n`;
}
