import { AppError } from '../../src/errors.ts';
import { type LossScale, nextLossScale } from '../optim/index.ts';
import type { StepResult } from './executor.ts';

/** A step that came to no finite numbers. */
export class StepFailure extends AppError {
  /** The update that failed, from 1. */
  readonly step: number;

  constructor(step: number, message: string, hint = SMALLER_RATE) {
    super('training_failed', message, { hint });
    this.step = step;
  }
}

const SMALLER_RATE = 'a smaller train.learning_rate or more train.warmup_steps usually help';

/** What a step's loss and norm come to. */
export interface Outcome {
  readonly result: StepResult;
  /** The loss scale after it, where there is one. */
  readonly scale: LossScale | undefined;
  /** AppError `training_failed`. */
  readonly failure?: StepFailure;
}

/**
 * A loss that is no finite number fails, and so does such a norm of the gradients where no loss scale could have made it
 * overflow. Else the step is skipped, which halves the scale: below 1 it is not float16's range that is exceeded.
 */
export function outcomeOf(result: StepResult, step: number, scale?: LossScale): Outcome {
  const { loss, gradNorm } = result;
  const fits = Number.isFinite(gradNorm);
  const fail = (message: string): Outcome => {
    const hint = scale ? `${SMALLER_RATE}, and so may runtime.precision=fp32` : SMALLER_RATE;
    return { result, scale, failure: new StepFailure(step, message, hint) };
  };
  if (!Number.isFinite(loss))
    return fail(`the loss of step ${step} is ${loss}: expected a finite number`);
  if (scale === undefined) {
    const what = `the norm of the gradients of step ${step} is ${gradNorm}`;
    return fits ? { result, scale } : fail(`${what}: expected a finite number`);
  }
  const next = nextLossScale(scale, fits);
  if (fits || next.scale >= 1) return { result: { ...result, skipped: !fits }, scale: next };
  return fail(
    `the loss scale falls below 1 at step ${step}, where the norm of the gradients is still ${gradNorm}`,
  );
}
