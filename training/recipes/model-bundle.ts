import { basename, resolve } from 'node:path';
import { modelFiles, type Reference } from '../../src/bundle/index.ts';
import type { Config, LoadedConfig } from '../../src/config/index.ts';
import type { AppError } from '../../src/errors.ts';
import type { Task } from '../../src/task/index.ts';
import { classifierConfig, windowedTokenizer, writeBundle } from '../bundle/index.ts';
import type { BatchOptions, CorpusTokenizer, TokenizedExample } from '../data/index.ts';
import { type Evaluation, evaluationTable } from '../evaluate/index.ts';
import { encodeModel } from '../onnx/codec/index.ts';
import type { Model } from '../onnx/model.ts';
import { optimizeForInference } from '../rewrite/optimize.ts';
import { type Screen, startPhase, whileWaiting } from '../tracking/index.ts';
import { fp16Stage, int8Stage } from './deploy.ts';
import { explanationFile } from './explanation.ts';
import { metricSet } from './metric-set.ts';
import { gitCommit, packageVersions } from './provenance.ts';
import { isLarge } from './run-model.ts';
import type { Best } from './run-state.ts';
import { requireServes } from './servable.ts';
import { withColumns } from './task-columns.ts';

/** How good a trained model is. */
export interface Results {
  /** With its tuned thresholds. */
  readonly task: Task;
  readonly validation: Evaluation;
  readonly test: Evaluation;
  /** On the test split. */
  readonly majority: Evaluation;
}

export interface TrainedModel {
  /** The forward graph with trained parameters. */
  readonly forward: Model;
  /** The encoder's part of a Hugging Face config.json. */
  readonly hfConfig: Readonly<Record<string, unknown>>;
  /** How its texts and answers are spread, which drift is measured against. */
  readonly reference: Reference;
}

export interface BundleData {
  readonly words: CorpusTokenizer;
  readonly dataHash: string;
  readonly train: readonly TokenizedExample[];
  readonly validation: readonly TokenizedExample[];
}

/** Training texts on which the ranges of activations are taken for int8. */
export const CALIBRATION_TEXTS = 128;

/** The bundle that was written, and the error that names the layers of the first smaller file that missed its limits. */
export interface WrittenBundle {
  readonly version: string;
  readonly refusal: AppError | undefined;
}

/** Optimizes, quantizes, holds the smaller files to their limits, and writes the bundle with whatever passed. */
export async function writeModelBundle(
  { config, hash }: LoadedConfig,
  data: BundleData,
  { forward, hfConfig, reference }: TrainedModel,
  { task, validation, test, majority }: Results,
  { screen, stop }: { readonly screen: Screen; readonly stop: AbortSignal },
): Promise<WrittenBundle> {
  const { words, dataHash } = data;
  const commit = gitCommit();
  const optimizing = {
    label: 'optimize',
    what: 'the graph that is served',
    busy: isLarge(forward),
  };
  const { model, bytes } = await whileWaiting(screen, optimizing, () => {
    const { model } = optimizeForInference(forward);
    return { model, bytes: encodeModel(model) };
  });
  const measuring = startPhase(screen, { label: 'measure', unit: 'runs of a text' });
  let runs = 0;
  const onText = () => measuring.at(++runs);
  const batch = batchOptions(config, words);
  const texts = { examples: data.validation, task, batch, stop, onText };
  const calibration = data.train.slice(0, CALIBRATION_TEXTS);
  const deployed = { model, fp32Size: bytes.length, validation: texts, calibration };
  const int8 = await int8Stage(deployed, config, measuring);
  const fp16 = await fp16Stage(deployed, config, measuring);
  measuring.end();
  const trying = { label: 'try', what: 'the finished model, as it is served' };
  await whileWaiting(screen, trying, () =>
    requireServes(
      { [modelFiles.fp32]: bytes, ...int8.files, ...fp16.files },
      {
        tokenizer: words.tokenizer,
        maxLength: config.train.max_length,
        labels: task.axes.length,
      },
    ),
  );
  const explaining = { label: 'explain', what: 'the graph that explains' };
  const explanation = await whileWaiting(screen, explaining, () =>
    explanationFile(config, words.tokenizer, bytes, screen),
  );
  const contents = {
    dir: config.model.out,
    model: bytes,
    extraFiles: {
      ...explanation,
      ...int8.files,
      ...fp16.files,
    },
    tokenizerJson: words.tokenizerJson,
    tokenizerConfig: windowedTokenizer(words.tokenizerConfig, config.train.max_length),
    hfConfig: classifierConfig(hfConfig, task),
    manifest: {
      name: basename(resolve(config.model.out)),
      task: withColumns(task, config.task),
      max_length: config.train.max_length,
      metrics: {
        validation: metricSet(validation),
        test: metricSet(test),
        ...(int8.metrics === undefined ? {} : { int8: int8.metrics }),
        ...(fp16.metrics === undefined ? {} : { fp16: fp16.metrics }),
      },
      baselines: { majority: metricSet(majority) },
      reference,
      config_hash: hash,
      data_hash: dataHash,
      ...(commit === undefined ? {} : { git_commit: commit }),
      packages: packageVersions(),
    },
  };
  const writing = { label: 'bundle', what: `writing ${config.model.out}` };
  const { version } = await whileWaiting(screen, writing, () => writeBundle(contents));
  return { version, refusal: int8.refusal ?? fp16.refusal };
}

/** Batches of a split, as the configuration has them. */
export function batchOptions(
  { train }: Pick<Config, 'train'>,
  { tokenizer }: BundleData['words'],
): BatchOptions {
  const { batch_size: batchSize, max_length: maxLength } = train;
  return { batchSize, maxLength, tokenizer };
}

/** The last lines of a run: its test, and where its bundle is. */
export function resultSummary({ model }: Config, best: Best, { test, majority }: Results): string {
  return [
    `test, with the best state (epoch ${best.epoch}, step ${best.step}) and tuned thresholds`,
    evaluationTable(test, majority),
    `\nwrote ${model.out}; serve it with: npx mbti-serve --model ${model.out}`,
  ].join('\n');
}
