export type { Config, LoadedConfig } from './config.ts';
export { describeKeys, type KeyDescription, keyHelp } from './describe.ts';
export { canonicalJson, LEARN_TOKENIZER, type LoadOptions, loadConfig } from './load.ts';
export { labelCodes } from './resolve.ts';
export type { AxisConfig, InitConfig, ModelBase } from './structures.ts';
