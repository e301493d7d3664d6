export { rejections, Scheduler } from './scheduler.ts';
export type { ScoredText } from './ticket.ts';
