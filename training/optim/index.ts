export { type AdamWOptions, adamWDefaults, adamWModel } from './adamw.ts';
export { decays } from './decay-groups.ts';
export { FusedAdamW } from './fused/fused-adamw.ts';
export {
  addNextLossScale,
  initialLossScale,
  type LossScale,
  lossScaleNames,
  lossScaling,
  nextLossScale,
} from './loss-scale.ts';
export {
  learningRateSchedule,
  type Schedule,
  scheduleFactor,
} from './schedules.ts';
