export { type AdamWOptions, adamWDefaults, adamWModel, type OptimizedParameter } from './adamw.ts';
export { decays } from './decay-groups.ts';
export {
  learningRateSchedule,
  type Schedule,
  type ScheduleOptions,
  scheduleFactor,
} from './schedules.ts';
