import { existsSync } from 'node:fs';
import { dirname } from 'node:path';
import { type Config, LEARN_TOKENIZER } from '../../src/config/index.ts';
import { AppError } from '../../src/errors.ts';
import { readTextFile } from '../../src/files/index.ts';
import { TextTokenizer, tokenizerPaths } from '../../src/text/index.ts';
import { readExamples, type SourceReport } from './examples.ts';
import { type Splits, stratifiedSplit } from './split.ts';
import type { Example } from './types.ts';
import { learnTokenizer } from './wordpiece/tokenizer-files.ts';

/** Rows of a split, and of each label of each axis in it. */
export interface SplitReport {
  readonly rows: number;
  readonly labels: Readonly<Record<string, Readonly<Record<string, number>>>>;
}

export interface CorpusReport extends SourceReport {
  readonly seed: number;
  readonly splits: { readonly [S in keyof Splits<Example>]: SplitReport };
}

/** Everything that training needs of the data. */
export interface Corpus {
  readonly splits: Splits<Example>;
  /** sha256 (hex) of the source's bytes. */
  readonly dataHash: string;
  readonly report: CorpusReport;
}

/** A tokenizer with the text of its two files, for the bundle. */
export interface CorpusTokenizer {
  readonly tokenizer: TextTokenizer;
  readonly tokenizerJson: string;
  readonly tokenizerConfig: string;
}

/** Reads and splits `data.source`. AppError as readExamples and stratifiedSplit, or `data_invalid`. */
export async function loadCorpus(config: Config): Promise<Corpus> {
  const { examples, dataHash, report } = await readExamples(config);
  const splits = stratifiedSplit(examples, config.seed, {
    test: config.data.test_fraction,
    validation: config.data.validation_fraction,
  });
  const counted = {
    train: countLabels(splits.train, config),
    validation: countLabels(splits.validation, config),
    test: countLabels(splits.test, config),
  };
  requireBothLabels(counted.train, report.source);
  return { splits, dataHash, report: { ...report, seed: config.seed, splits: counted } };
}

/**
 * The tokenizer that `model.tokenizer` asks for: learnt from the training texts, read, or the one
 * beside `model.base`. AppError `config_invalid`, `file_missing` or `data_invalid`.
 */
export function corpusTokenizer(config: Config, training: readonly Example[]): CorpusTokenizer {
  const { tokenizer: wanted, vocab_size: size } = config.model;
  if (wanted === LEARN_TOKENIZER) return learntTokenizer(training, size);
  const place = wanted ?? besideBase(config.model.base);
  const tokenizer = TextTokenizer.load(place);
  const { tokenizerFile, configFile } = tokenizerPaths(place);
  return {
    tokenizer,
    tokenizerJson: readTextFile(tokenizerFile),
    tokenizerConfig: existsSync(configFile) ? readTextFile(configFile) : '{}\n',
  };
}

/** A WordPiece tokenizer learnt from the texts, with the files to write. */
export function learntTokenizer(training: readonly Example[], size: number): CorpusTokenizer {
  const files = learnTokenizer(
    training.map(({ text }) => text),
    size,
  );
  return {
    tokenizer: TextTokenizer.fromJson(files.tokenizerJson, files.tokenizerConfig),
    tokenizerJson: `${JSON.stringify(files.tokenizerJson, null, 1)}\n`,
    tokenizerConfig: `${JSON.stringify(files.tokenizerConfig, null, 2)}\n`,
  };
}

function besideBase(base: Config['model']['base']): string {
  if (typeof base === 'string' && !base.startsWith('hf:')) {
    return base.endsWith('.onnx') ? dirname(base) : base;
  }
  throw new AppError(
    'config_invalid',
    'model.tokenizer is missing: expected a tokenizer.json, its folder, or "train"',
    { hint: 'it can be left out only where model.base is a local file or folder' },
  );
}

function countLabels(examples: readonly Example[], { task }: Config): SplitReport {
  const labels = task.axes.map(({ name, labels: [first, second] }, axis) => {
    const positive = examples.filter((example) => example.labels[axis] === 1).length;
    return [name, { [first]: positive, [second]: examples.length - positive }] as const;
  });
  return { rows: examples.length, labels: Object.fromEntries(labels) };
}

function requireBothLabels(train: SplitReport, source: string): void {
  for (const [axis, counts] of Object.entries(train.labels)) {
    const absent = Object.entries(counts).find(([, count]) => count === 0);
    if (!absent) continue;
    throw new AppError(
      'data_invalid',
      `${source} has no training text labelled ${absent[0]} on the axis ${axis}: expected both labels`,
    );
  }
}
