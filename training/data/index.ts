export {
  type BatchOptions,
  type BatchPlan,
  evaluationBatches,
  tokenizeExamples,
  trainingBatches,
} from './batches.ts';
export {
  type Corpus,
  type CorpusReport,
  type CorpusTokenizer,
  corpusTokenizer,
  learntTokenizer,
  loadCorpus,
} from './corpus.ts';
export { readExamples, type SourceExamples, type SourceReport } from './examples.ts';
export { prepareData } from './prepare.ts';
export { Random } from './random.ts';
export { type Splits, stratifiedSplit } from './split.ts';
export type { Batch, Example, TokenizedExample } from './types.ts';
