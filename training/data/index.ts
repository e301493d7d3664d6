export { Random } from '../random.ts';
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
  type CorpusTokenizer,
  countLabels,
  givenTokenizer,
  learntTokenizer,
  loadCorpus,
  loadTokenizedCorpus,
  type TokenizedCorpus,
} from './corpus.ts';
export { readExamples } from './examples.ts';
export { hashSource } from './labelled-rows.ts';
export { prepareData } from './prepare.ts';
export { stratifiedSplit } from './split.ts';
export type { Batch, Example, TokenizedExample } from './types.ts';
