import type { Config } from '../../src/config/index.ts';
import { writeFolderAtomically } from '../../src/files/index.ts';
import { type CorpusReport, loadTokenizedCorpus } from './corpus.ts';
import type { Example } from './types.ts';

/** Writes the cleaned splits, the tokenizer and a report to `data.dir`, all at once. */
export async function prepareData(
  config: Config,
  resolved: Record<string, unknown>,
  onRows?: (done: number) => void,
): Promise<CorpusReport> {
  const { splits, report, words } = await loadTokenizedCorpus(config, onRows);
  const lines = (examples: readonly Example[]) =>
    examples.map((example) => `${JSON.stringify(toRecord(example, config))}\n`).join('');
  await writeFolderAtomically(config.data.dir, {
    'train.jsonl': lines(splits.train),
    'validation.jsonl': lines(splits.validation),
    'test.jsonl': lines(splits.test),
    'tokenizer.json': words.tokenizerJson,
    'tokenizer_config.json': words.tokenizerConfig,
    'report.json': `${JSON.stringify(report, null, 2)}\n`,
    'config.json': `${JSON.stringify(resolved, null, 2)}\n`,
  });
  return report;
}

/** The cleaned text and its label on every axis. */
function toRecord({ text, labels }: Example, { task }: Config): object {
  const named = task.axes.map((axis, i) => [axis.name, axis.labels[labels[i] === 1 ? 0 : 1]]);
  return { text, labels: Object.fromEntries(named) };
}
