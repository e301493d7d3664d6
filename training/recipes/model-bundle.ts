import { basename, resolve } from 'node:path';
import type { Reference } from '../../src/bundle/index.ts';
import type { Config, LoadedConfig } from '../../src/config/index.ts';
import { classifierConfig, windowedTokenizer, writeBundle } from '../bundle/index.ts';
import type { BatchOptions, corpusTokenizer, TokenizedExample } from '../data/index.ts';
import { encodeModel } from '../onnx/codec/index.ts';
import type { Model } from '../onnx/model.ts';
import type { Screen } from '../tracking/index.ts';
import { type SmallerFiles, smallerFiles } from './deploy.ts';
import { explanationFile } from './explanation.ts';
import type { Results } from './measure.ts';
import { metricSet } from './metric-set.ts';
import { gitCommit, packageVersions } from './provenance.ts';
import { withColumns } from './task-columns.ts';

export interface TrainedModel {
  /** The forward graph with trained parameters, optimized: the bundle's fp32 file. */
  readonly model: Model;
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
 * Quantizes, holds the smaller files to their limits, and writes the bundle with whatever passed. Returns what did
 * not, and why.
 */
export async function writeModelBundle(
  { config, hash }: LoadedConfig,
  data: BundleData,
  { model, hfConfig, reference }: TrainedModel,
  { task, validation, test, uncalibrated, majority }: Results,
  { screen, stop }: { readonly screen: Screen; readonly stop: AbortSignal },
): Promise<SmallerFiles['leftOut']> {
  const { words, dataHash } = data;
  const commit = gitCommit();
  const bytes = encodeModel(model);
  const texts = { examples: data.validation, task, batch: servedWindows(config, words), stop };
  const calibration = data.train.slice(0, CALIBRATION_TEXTS);
  const deployed = { model, validation: texts, calibration };
  const smaller = await smallerFiles(deployed, config, screen);
  await writeBundle({
    dir: config.model.out,
    model: bytes,
    extraFiles: {
      ...explanationFile(config, words.tokenizer, bytes, screen),
      ...smaller.files,
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
        uncalibrated,
        ...smaller.metrics,
      },
      ...(Object.keys(smaller.leftOut).length === 0 ? {} : { left_out: smaller.leftOut }),
      baselines: { majority: metricSet(majority) },
      reference,
      config_hash: hash,
      data_hash: dataHash,
      ...(commit === undefined ? {} : { git_commit: commit }),
      packages: packageVersions(),
    },
  });
  return smaller.leftOut;
}

/** Batches of a split, as the configuration has them. */
export function batchOptions(
  { train }: Pick<Config, 'train'>,
  { tokenizer }: BundleData['words'],
): BatchOptions {
  const { batch_size: batchSize, max_length: maxLength } = train;
  return { batchSize, maxLength, tokenizer };
}

/** How a server with this configuration cuts texts. */
function servedWindows({ train, limits }: Config, { tokenizer }: BundleData['words']) {
  return { maxLength: train.max_length, maxWindows: limits.max_windows, tokenizer };
}
