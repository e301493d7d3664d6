export { EnginePool, type PoolObserver, type PoolOptions, restartDelay } from './pool.ts';
export type { Device, EngineSpec } from './protocol.ts';
export type { Engine, Engines, Score } from './score.ts';
