import type { Config } from '../../src/config/index.ts';
import { clock } from '../tracking/index.ts';
import { CALIBRATION_TEXTS } from './model-bundle.ts';
import type { Pace } from './pace.ts';

/** For the line that says how much is trained. */
export const limitSummary = ({ train: { max_minutes: minutes } }: Config): string =>
  minutes === null ? '' : `; for ${minutes} minutes at most, validations included`;

/** Whether so many minutes, counted from now on, will have passed after some milliseconds more. */
export function timer(minutes: number | null): (milliseconds: number) => boolean {
  const until = performance.now() + (minutes ?? Number.POSITIVE_INFINITY) * 60_000;
  return (milliseconds) => performance.now() + milliseconds >= until;
}

interface Splits {
  readonly validation: { readonly length: number };
  readonly test: { readonly length: number };
}

/** A text that is scored alone and unpadded, as int8 is measured, costs about so many of a batch. */
const ALONE = 2;
/** The fp32 model and the 8-bit one. */
const MODELS = 2;

/** Under this nobody needs to be told. */
const SHORT = 2000;

/** What is still done when training has ended, which `train.max_minutes` does not cover. */
export function workAfterTraining({ quantize }: Config, { validation, test }: Splits): string {
  const measured = Math.min(validation.length, quantize.texts);
  const again = `, and again, with ${CALIBRATION_TEXTS} more, as long as it misses its limits`;
  return [
    `validation and test on ${validation.length + test.length} texts`,
    ...(quantize.scheme === 'none' ? [] : [`${quantize.scheme} on ${measured} texts${again}`]),
  ].join('; ');
}

/** The line that says how long it will take about; undefined where that is next to nothing, or not known. */
export function timeAfterTraining(
  config: Config,
  { validation, test }: Splits,
  pace: Pace,
): string | undefined {
  const { scheme, texts } = config.quantize;
  const alone = scheme === 'none' ? 0 : Math.min(validation.length, texts) * MODELS * ALONE;
  // Once more for the reference of drift.
  const forwards = 2 * validation.length + test.length + alone;
  const milliseconds = pace.forward(forwards, validation.length);
  if (milliseconds < SHORT) return undefined;
  return `after it   ${workAfterTraining(config, { validation, test })}: about ${clock(milliseconds / 1000)}`;
}
