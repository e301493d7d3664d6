export { inspectModel, type ModelDescription } from './inspect.ts';
export { inspectionReport } from './report.ts';
