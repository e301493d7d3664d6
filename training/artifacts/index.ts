export { type CompiledArtifacts, compileArtifacts } from './compile.ts';
export { explainFile } from './explain/explain-file.ts';
export { type ExplainOptions, explainModel } from './explain/explain-model.ts';
export { inferenceModel } from './inference.ts';
export type { CompileOptions } from './options.ts';
export { compileSummary } from './summary.ts';
export { writeArtifacts } from './write.ts';
