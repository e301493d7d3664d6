export type { Config, LoadedConfig } from './config.ts';
export { describeKeys, keyHelp } from './describe.ts';
export { differences, hashOf } from './facets.ts';
export { LEARN_TOKENIZER, type LoadOptions, loadConfig } from './load.ts';
export { modelConfig } from './model-config.ts';
export { Problems } from './problems.ts';
export { labelCodes } from './resolve.ts';
export { statedLogFormat } from './stated-log-format.ts';
export type { AxisConfig, InitConfig } from './structures.ts';
