export { availableCores } from './cores.ts';
export { EnginePool, type PoolObserver, restartDelay } from './pool.ts';
export { type EngineSpec, isOnCpu } from './protocol.ts';
export {
  type Begun,
  type Engine,
  EngineDeath,
  type Engines,
  type Explanation,
  type Score,
  type ScoreOptions,
} from './score.ts';
export { stampOf, type VerifiedFile } from './verified-files.ts';
