export { inspectModel } from './inspect.ts';
export { inspectionReport } from './report.ts';
