export { manifestProblems } from './check-manifest.ts';
export {
  EXPLAIN_FILE,
  type FileEntry,
  FORMAT_VERSION,
  MANIFEST_FILE,
  type Manifest,
  type MetricSet,
  modelFiles,
  type Precision,
  type QuantizationMetrics,
  TOKENIZER_FILE,
} from './manifest.ts';
export { type Bundle, explainPath, hashFile, readBundle, selectModel } from './read.ts';
export type { Distribution, Reference } from './reference.ts';
