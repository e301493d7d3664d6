export { adamWDefaults, adamWModel } from './adamw.ts';
export { decays } from './decay-groups.ts';
export {
  learningRateSchedule,
  type Schedule,
  scheduleFactor,
} from './schedules.ts';
