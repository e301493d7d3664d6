export { type CompiledArtifacts, compileArtifacts, type ParameterInfo } from './compile.ts';
export { artifactFiles } from './describe.ts';
export { inferenceModel } from './inference.ts';
export type { CompileOptions } from './options.ts';
export { writeArtifacts } from './write.ts';
