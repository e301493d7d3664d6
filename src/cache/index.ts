export { type KnownResult, type ModelCache, ResultCache } from './result-cache.ts';
