import type { Config } from '../../../src/config/index.ts';
import { clock } from '../../tracking/index.ts';
import { CALIBRATION_TEXTS, fallbacks, measuredTexts } from '../delivery/deploy.ts';
import { servedWindows, type TokenizedText, windowsOf } from '../delivery/split-scores.ts';
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
  readonly validation: readonly TokenizedText[];
  readonly test: readonly TokenizedText[];
}

/** A window that is scored alone and unpadded, as int8 is measured, costs about so many of a batch. */
const ALONE = 2;
/** The fp32 model and the 8-bit one. */
const MODELS = 2;

/** Under this nobody needs to be told. */
const SHORT = 2000;

/** What is still done when training has ended, which `train.max_minutes` does not cover. */
export function workAfterTraining(config: Config, { validation, test }: Splits): string {
  const { scheme } = config.quantize;
  const cut = servedWindows(config);
  const texts = [...validation, ...test];
  const measured = measuredTexts(validation, cut, config.quantize);
  const other = scheme === 'int8' ? `, with ${CALIBRATION_TEXTS} more,` : '';
  const next = scheme === 'none' ? [] : fallbacks[scheme];
  const again = `, and again${other} as long as it misses its limits${next.map((name) => `, then ${name}`).join('')}`;
  return [
    `validation and test as they are served: ${count(texts.length)} texts, ${count(windowsOf(texts, cut))} windows`,
    ...(scheme === 'none' ? [] : [`${scheme} on ${count(measured.length)} texts${again}`]),
  ].join('; ');
}

const count = (n: number): string => n.toLocaleString('en');

/** The line that says how long it will take about; undefined where that is next to nothing, or not known. */
export function timeAfterTraining(
  config: Config,
  { validation, test }: Splits,
  pace: Pace,
): string | undefined {
  const { scheme } = config.quantize;
  const cut = servedWindows(config);
  const measured = measuredTexts(validation, cut, config.quantize);
  const alone = scheme === 'none' ? 0 : windowsOf(measured, cut) * MODELS * ALONE;
  const forwards = windowsOf([...validation, ...test], cut) + alone;
  // Validations of the training looked at one window of each text.
  const milliseconds = pace.forward(forwards, validation.length);
  if (milliseconds < SHORT) return undefined;
  return `after it   ${workAfterTraining(config, { validation, test })}: about ${clock(milliseconds / 1000)}`;
}
