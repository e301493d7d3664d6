export { manifestProblems } from './check-manifest.ts';
export {
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
export { type Bundle, hashFile, readBundle, selectModel } from './read.ts';
