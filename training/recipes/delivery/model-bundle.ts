import { basename, resolve } from 'node:path';
import { modelFiles, type Reference } from '../../../src/bundle/index.ts';
import type { Config, LoadedConfig } from '../../../src/config/index.ts';
import { classifierConfig, windowedTokenizer, writeBundle } from '../../bundle/index.ts';
import type { BatchOptions, CorpusTokenizer, TokenizedExample } from '../../data/index.ts';
import { evaluationTable } from '../../evaluate/index.ts';
import { encodeModel } from '../../onnx/codec/index.ts';
import type { Model } from '../../onnx/model.ts';
import { type Screen, whileWaiting } from '../../tracking/index.ts';
import type { Best } from '../run/state.ts';
import { CALIBRATION_TEXTS, type SmallerFiles, smallerFiles } from './deploy.ts';
import { explanationFile } from './explanation.ts';
import type { Results } from './measure.ts';
import { metricSet } from './metric-set.ts';
import { gitCommit, packageVersions } from './provenance.ts';
import { requireServes } from './servable.ts';
import { servedWindows } from './split-scores.ts';
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
  readonly words: CorpusTokenizer;
  readonly dataHash: string;
  readonly train: readonly TokenizedExample[];
  readonly validation: readonly TokenizedExample[];
}

/** The bundle that was written, and which smaller files it should have and has not. */
export interface WrittenBundle extends Pick<SmallerFiles, 'leftOut'> {
  readonly version: string;
}

/** Quantizes, holds the smaller files to their limits, and writes the bundle with whatever passed. */
export async function writeModelBundle(
  { config, hash }: LoadedConfig,
  data: BundleData,
  { model, hfConfig, reference }: TrainedModel,
  { task, validation, test, uncalibrated, majority }: Results,
  { screen, stop }: { readonly screen: Screen; readonly stop: AbortSignal },
): Promise<WrittenBundle> {
  const { words, dataHash } = data;
  const { tokenizer } = words;
  const commit = gitCommit();
  const bytes = encodeModel(model);
  const batch = { ...servedWindows(config), tokenizer };
  const texts = { examples: data.validation, task, batch, stop };
  const calibration = data.train.slice(0, CALIBRATION_TEXTS);
  const deployed = { model, validation: texts, calibration };
  const { files, metrics, leftOut } = await smallerFiles(deployed, config, screen);
  const trying = { label: 'try', what: 'the finished model, as it is served' };
  const { max_length: maxLength } = config.train;
  await whileWaiting(screen, trying, () =>
    requireServes(
      { [modelFiles.fp32]: bytes, ...files },
      { tokenizer, maxLength, labels: task.axes.length },
      'no bundle was written; the trained state is the checkpoint in the run folder',
    ),
  );
  const explaining = { label: 'explain', what: 'the graph that explains' };
  const explanation = await whileWaiting(screen, explaining, () =>
    explanationFile(config, tokenizer, bytes, screen),
  );
  const contents = {
    dir: config.model.out,
    model: bytes,
    extraFiles: { ...explanation, ...files },
    tokenizerJson: words.tokenizerJson,
    tokenizerConfig: windowedTokenizer(words.tokenizerConfig, maxLength),
    hfConfig: classifierConfig(hfConfig, task),
    manifest: {
      name: basename(resolve(config.model.out)),
      task: withColumns(task, config.task),
      max_length: maxLength,
      metrics: {
        validation: metricSet(validation),
        test: metricSet(test),
        uncalibrated,
        ...metrics,
      },
      ...(Object.keys(leftOut).length === 0 ? {} : { left_out: leftOut }),
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
  return { version, leftOut };
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
export function resultSummary({ model }: Config, best: Best, results: Results): string {
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
