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
  requiredFiles,
  TOKENIZER_FILE,
} from './manifest.ts';
export { type Bundle, type BundledModel, hashFile, readBundle, selectModel } from './read.ts';
