import type { Config } from '../../src/config/index.ts';
import { untunedTask } from '../../src/task/index.ts';
import {
  type Corpus,
  corpusTokenizer,
  type Example,
  loadCorpus,
  tokenizeExamples,
} from '../data/index.ts';
import { dataWarnings } from '../evaluate/index.ts';
import { inPhase, type Screen, whileWaiting } from '../tracking/index.ts';
import { labelTable } from './split-scores.ts';

/** The texts of a run, and what its figures cannot mean because of them. */
export interface RunCorpus extends Corpus {
  readonly warnings: readonly string[];
}

/** Reads, cleans and splits the texts. */
export async function readCorpus(config: Config, screen: Screen): Promise<RunCorpus> {
  const corpus = await inPhase(screen, { label: 'read', unit: 'rows' }, (at) =>
    loadCorpus(config, at),
  );
  return { ...corpus, warnings: dataWarnings(corpus.report.splits) };
}

export type RunData = Awaited<ReturnType<typeof tokenizeCorpus>>;

/** Turns the texts into ids. */
export async function tokenizeCorpus(
  config: Config,
  { splits, dataHash, warnings }: RunCorpus,
  screen: Screen,
) {
  const waiting = { label: 'tokenizer', what: 'reading or learning it' };
  const words = await whileWaiting(screen, waiting, () => corpusTokenizer(config, splits.train));
  const task = untunedTask(config.task, config.data.clean);
  const total = splits.train.length + splits.validation.length + splits.test.length;
  return inPhase(screen, { label: 'tokenize', unit: 'texts', total }, (at) => {
    let before = 0;
    const tokenized = (examples: readonly Example[]) => {
      const result = tokenizeExamples(examples, words.tokenizer, (done) => at(before + done));
      before += examples.length;
      return result;
    };
    return {
      dataHash,
      warnings,
      words,
      task,
      train: tokenized(splits.train),
      validation: tokenized(splits.validation),
      test: tokenized(splits.test),
      /** Of the training split, [rows, axes]. */
      labels: labelTable(splits.train, task.axes.length),
    };
  });
}
