import type { Config } from '../../../src/config/index.ts';
import { untunedTask } from '../../../src/task/index.ts';
import {
  type Example,
  loadTokenizedCorpus,
  type TokenizedCorpus,
  tokenizeExamples,
} from '../../data/index.ts';
import { dataWarnings } from '../../evaluate/index.ts';
import { inPhase, type Screen } from '../../tracking/index.ts';
import { labelTable } from '../delivery/split-scores.ts';

/** The texts of a run, and what its figures cannot mean because of them. */
export interface RunCorpus extends TokenizedCorpus {
  readonly warnings: readonly string[];
}

/** Reads, cleans and splits the texts, with the tokenizer that is given or learnt from them. */
export async function readCorpus(config: Config, screen: Screen): Promise<RunCorpus> {
  const corpus = await inPhase(screen, { label: 'read', unit: 'rows' }, (at) =>
    loadTokenizedCorpus(config, at),
  );
  return { ...corpus, warnings: dataWarnings(corpus.report.splits) };
}

export type RunData = Awaited<ReturnType<typeof tokenizeCorpus>>;

/** Turns the texts into ids. */
export async function tokenizeCorpus(
  config: Config,
  { splits, dataHash, warnings, words }: RunCorpus,
  screen: Screen,
) {
  const task = untunedTask(config.task, config.data.clean, config.data.min_length);
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
