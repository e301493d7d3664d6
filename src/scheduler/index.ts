export { type Rejection, rejections, Scheduler, type SchedulerObserver } from './scheduler.ts';
export type { ScoredText } from './ticket.ts';
