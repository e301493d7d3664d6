import type { GraphBuilder } from '../onnx/builder.ts';
import type { Value } from '../onnx/graph.ts';

/** PyTorch's defaults (`torch.amp.GradScaler`); the scale stays a float32. */
export const lossScaling = {
  initial: 65536,
  growth: 2,
  backoff: 0.5,
  interval: 2000,
  most: 2 ** 127,
} as const;

/** What dynamic loss scaling carries from step to step. */
export interface LossScale {
  readonly scale: number;
  /** Updates since the scale last changed. */
  readonly goodSteps: number;
  /** Updates so far, without the steps that were skipped: Adam's corrections count these. */
  readonly updates: number;
}

export const initialLossScale: LossScale = { scale: lossScaling.initial, goodSteps: 0, updates: 0 };

/**
 * After a step: an update where the gradients were finite, and a larger scale after `interval` of them in a row; else
 * no update, and a smaller scale.
 */
export function nextLossScale({ scale, goodSteps, updates }: LossScale, fits: boolean): LossScale {
  if (!fits) return { scale: scale * lossScaling.backoff, goodSteps: 0, updates };
  const good = goodSteps + 1;
  if (good < lossScaling.interval) return { scale, goodSteps: good, updates: updates + 1 };
  const grown = Math.min(scale * lossScaling.growth, lossScaling.most);
  return { scale: grown, goodSteps: 0, updates: updates + 1 };
}

/** The names that a graph has these numbers under; `step` is the number of the next update, int64, from 1. */
export const lossScaleNames = ['loss_scale', 'good_steps', 'step'] as const;
type ScaleValues = Readonly<Record<(typeof lossScaleNames)[number], Value>>;

/** The same in a graph, all of them scalars. */
export function addNextLossScale(
  b: GraphBuilder,
  { loss_scale: scale, good_steps: goodSteps, step }: ScaleValues,
  fits: Value,
): ScaleValues {
  const good = b.add(goodSteps, 1);
  const stays = b.op('Less', [good, b.scalar(lossScaling.interval, good)]);
  const most = b.scalar(lossScaling.most, 'float32');
  const grown = b.op('Min', [b.mul(scale, lossScaling.growth), most]);
  const none = b.scalar(0, 'float32');
  return {
    loss_scale: b.where(fits, b.where(stays, scale, grown), b.mul(scale, lossScaling.backoff)),
    good_steps: b.where(fits, b.where(stays, good, none), none),
    step: b.add(step, b.cast(fits, 'int64')),
  };
}
