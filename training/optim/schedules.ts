export type Schedule = 'linear' | 'cosine' | 'constant';

export interface ScheduleOptions {
  readonly schedule: Schedule;
  /** The peak. */
  readonly learning_rate: number;
  readonly warmup_steps: number;
}

/** What is left of the peak after `done` of `length` steps behind the warm-up. */
const decay: Readonly<Record<Schedule, (done: number, length: number) => number>> = {
  linear: (done, length) => (length - done) / Math.max(1, length),
  cosine: (done, length) => 0.5 * (1 + Math.cos((Math.PI * done) / Math.max(1, length))),
  constant: () => 1,
};

/**
 * transformers' schedules at a position that counts from 0: the factor rises linearly to 1 at
 * `warmupSteps` and then decays to 0 at `totalSteps`.
 */
export function scheduleFactor(
  schedule: Schedule,
  position: number,
  warmupSteps: number,
  totalSteps: number,
): number {
  if (position < warmupSteps) return position / warmupSteps;
  return Math.max(0, decay[schedule](position - warmupSteps, totalSteps - warmupSteps));
}

/**
 * The learning rate of update t, counted from 1. While warming up it is peak · t / warmup_steps, so that
 * the first update is not spent on a rate of 0; behind the warm-up, update t stands where transformers'
 * schedule has it at t − 1, so that the last update does not stand on 0 either.
 */
export function learningRateSchedule(
  { schedule, learning_rate: peak, warmup_steps: warmup }: ScheduleOptions,
  totalSteps: number,
): (step: number) => number {
  return (step) =>
    peak *
    (step <= warmup ? step / warmup : scheduleFactor(schedule, step - 1, warmup, totalSteps));
}
