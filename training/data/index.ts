export {
  type BatchOptions,
  type EvaluationOptions,
  evaluationBatches,
  smoothLabels,
  tokenizeExamples,
  trainingBatches,
} from './batches.ts';
export {
  type CorpusReport,
  corpusTokenizer,
  learntTokenizer,
  loadCorpus,
} from './corpus.ts';
export { readExamples } from './examples.ts';
export { prepareData } from './prepare.ts';
export { Random } from './random.ts';
export { stratifiedSplit } from './split.ts';
export type { Batch, TokenizedExample } from './types.ts';
