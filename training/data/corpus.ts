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

/** The corpus, and the tokenizer that it is for. */
export interface TokenizedCorpus extends Corpus {
  readonly words: CorpusTokenizer;
}

/** A tokenizer with the text of its two files, for the bundle. */
export interface CorpusTokenizer {
  readonly tokenizer: TextTokenizer;
  readonly tokenizerJson: string;
  readonly tokenizerConfig: string;
}

/**
 * Reads and splits `data.source`, for a tokenizer that is there or one that is learnt afterwards. AppError as
 * readExamples and stratifiedSplit, or `data_invalid`.
 *
 * @param onRows is told how many rows are read
 */
export async function loadCorpus(
  config: Config,
  tokenizer?: TextTokenizer,
  onRows?: (done: number) => void,
): Promise<Corpus> {
  const { examples, dataHash, report } = await readExamples(config, tokenizer, onRows);
  const splits = stratifiedSplit(examples, config.seed, {
    test: config.data.test_fraction,
    validation: config.data.validation_fraction,
  });
  const counted = {
    train: countLabels(splits.train, config.task.axes),
    validation: countLabels(splits.validation, config.task.axes),
    test: countLabels(splits.test, config.task.axes),
  };
  requireBothLabels(counted.train, report.source);
  return { splits, dataHash, report: { ...report, seed: config.seed, splits: counted } };
}

/** The corpus with the tokenizer that `model.tokenizer` asks for. AppError as loadCorpus and givenTokenizer. */
export async function loadTokenizedCorpus(
  config: Config,
  onRows?: (done: number) => void,
): Promise<TokenizedCorpus> {
  const given = givenTokenizer(config);
  const corpus = await loadCorpus(config, given?.tokenizer, onRows);
  const words = given ?? learntTokenizer(corpus.splits.train, config.model.vocab_size);
  return { ...corpus, words };
}

/**
 * The tokenizer that `model.tokenizer` names, or the one beside `model.base`; undefined where it is learnt from
 * the training texts. AppError `config_invalid`, `file_missing` or `data_invalid`.
 */
export function givenTokenizer(config: Config): CorpusTokenizer | undefined {
  const { tokenizer: wanted } = config.model;
  if (wanted === LEARN_TOKENIZER) return undefined;
  const place = wanted ?? besideBase(config.model.base);
  const tokenizer = TextTokenizer.load(place);
  const { tokenizerFile } = tokenizerPaths(place);
  return {
    tokenizer,
    tokenizerJson: tokenizer.fileWithTemplate(readTextFile(tokenizerFile)),
    tokenizerConfig: `${JSON.stringify(tokenizer.configWithSpecialTokens, null, 2)}\n`,
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

/** Rows, and how many of them have each label of each axis. */
export function countLabels(
  examples: readonly Example[],
  axes: readonly Pick<Config['task']['axes'][number], 'name' | 'labels'>[],
): SplitReport {
  const labels = axes.map(({ name, labels: [first, second] }, axis) => {
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
