export { clock, createProgress, type Progress, type Screen } from './progress.ts';
export { openRunLog, type RunLog } from './run-log.ts';
