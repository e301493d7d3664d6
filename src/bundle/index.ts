export { manifestProblems } from './check-manifest.ts';
export {
  bundlesOf,
  type FoundBundle,
  findBundles,
  foldersIn,
  listFolders,
} from './find-bundles.ts';
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
export { fixedAxes, type GraphInput, idsOfType, inputProblem } from './signature.ts';
export { compareVersions } from './version-order.ts';
