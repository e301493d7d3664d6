export { EnginePool, type PoolObserver, restartDelay } from './pool.ts';
export type { EngineSpec } from './protocol.ts';
export type { Engine, Engines, Explanation, Score, ScoreOptions } from './score.ts';
