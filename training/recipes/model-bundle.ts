import { basename, resolve } from 'node:path';
import { modelFiles, type Reference } from '../../src/bundle/index.ts';
import type { Config, LoadedConfig } from '../../src/config/index.ts';
import type { AppError } from '../../src/errors.ts';
import type { Task } from '../../src/task/index.ts';
import { classifierConfig, windowedTokenizer, writeBundle } from '../bundle/index.ts';
import type { BatchOptions, corpusTokenizer, TokenizedExample } from '../data/index.ts';
import type { Evaluation } from '../evaluate/index.ts';
import { encodeModel } from '../onnx/codec/index.ts';
import type { Model } from '../onnx/model.ts';
import { optimizeForInference } from '../rewrite/optimize.ts';
import type { Screen } from '../tracking/index.ts';
import { fp16Stage, int8Stage } from './deploy.ts';
import { explanationFile } from './explanation.ts';
import { metricSet } from './metric-set.ts';
import { gitCommit, packageVersions } from './provenance.ts';
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
  readonly words: ReturnType<typeof corpusTokenizer>;
  readonly dataHash: string;
  readonly train: readonly TokenizedExample[];
  readonly validation: readonly TokenizedExample[];
}

/** Training texts on which the ranges of activations are taken for int8. */
const CALIBRATION_TEXTS = 128;

/**
 * Optimizes, quantizes, holds the smaller files to their limits, and writes the bundle with whatever passed. Returns the
 * error that names the layers of the first that did not.
 */
export async function writeModelBundle(
  { config, hash }: LoadedConfig,
  data: BundleData,
  { forward, hfConfig, reference }: TrainedModel,
  { task, validation, test, majority }: Results,
  { screen, stop }: { readonly screen: Screen; readonly stop: AbortSignal },
): Promise<AppError | undefined> {
  const { words, dataHash } = data;
  const commit = gitCommit();
  const model = optimizeForInference(forward).model;
  const bytes = encodeModel(model);
  const texts = { examples: data.validation, task, batch: batchOptions(config, words), stop };
  const calibration = data.train.slice(0, CALIBRATION_TEXTS);
  const deployed = { model, fp32Size: bytes.length, validation: texts, calibration };
  const int8 = await int8Stage(deployed, config, screen);
  const fp16 = await fp16Stage(deployed, config, screen);
  await requireServes(
    { [modelFiles.fp32]: bytes, ...int8.files, ...fp16.files },
    {
      tokenizer: words.tokenizer,
      maxLength: config.train.max_length,
      labels: task.axes.length,
    },
  );
  await writeBundle({
    dir: config.model.out,
    model: bytes,
    extraFiles: {
      ...explanationFile(config, words.tokenizer, bytes, screen),
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
  });
  return int8.refusal ?? fp16.refusal;
}

/** Batches of a split, as the configuration has them. */
export function batchOptions(
  { train }: Pick<Config, 'train'>,
  { tokenizer }: BundleData['words'],
): BatchOptions {
  const { batch_size: batchSize, max_length: maxLength } = train;
  return { batchSize, maxLength, tokenizer };
}
