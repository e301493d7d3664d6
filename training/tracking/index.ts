export { clock } from './clock.ts';
export { inPhase, startPhase, whileWaiting } from './phase.ts';
export { createProgress, type Progress } from './progress.ts';
export { hasTrainingEnded, openRunLog, type RunLog } from './run-log.ts';
export type { Screen } from './screen.ts';
