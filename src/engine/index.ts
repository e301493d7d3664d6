export { EnginePool, type PoolObserver, restartDelay } from './pool.ts';
export type { EngineSpec } from './protocol.ts';
export type { Engine, Engines, Score } from './score.ts';
