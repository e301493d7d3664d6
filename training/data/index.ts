export {
  type BatchOptions,
  evaluationBatches,
  smoothLabels,
  tokenizeExamples,
  trainingBatches,
} from './batches.ts';
export {
  type CorpusReport,
  type CorpusTokenizer,
  givenTokenizer,
  learntTokenizer,
  loadCorpus,
  loadTokenizedCorpus,
} from './corpus.ts';
export { readExamples } from './examples.ts';
export { prepareData } from './prepare.ts';
export { Random } from './random.ts';
export { stratifiedSplit } from './split.ts';
export type { Batch, TokenizedExample } from './types.ts';
