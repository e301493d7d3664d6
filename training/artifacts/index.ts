export { type CompiledArtifacts, compileArtifacts } from './compile.ts';
export { inferenceModel } from './inference.ts';
export type { CompileOptions } from './options.ts';
export { writeArtifacts } from './write.ts';
