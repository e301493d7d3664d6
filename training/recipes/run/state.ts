import { AppError } from '../../../src/errors.ts';

/** A validation that was the best so far. */
export interface Best {
  readonly step: number;
  readonly epoch: number;
  /** Of `train.best_metric`. */
  readonly value: number;
  /** Average over the axes. */
  readonly macroF1: number;
  readonly loss: number;
}

/** Where training stands: with the parameters and moments, all that the rest of a run depends on. */
export interface RunState {
  /** Updates so far. */
  step: number;
  /** Those of them whose gradients overflowed float16, so that nothing was updated. */
  skipped: number;
  /** From 1; 0 before the first. */
  epoch: number;
  /** Batches of this epoch that are trained. */
  next: number;
  /** Runs of the training graph since the start: how far the masks of dropout have come. */
  runs: number;
  /** Since the last validation. */
  lossSum: number;
  lossCount: number;
  validatedAt: number;
  best: Best | undefined;
  /** Validations since the best one. */
  worse: number;
}

export const newRunState = (): RunState => ({
  step: 0,
  skipped: 0,
  epoch: 0,
  next: 0,
  runs: 0,
  lossSum: 0,
  lossCount: 0,
  validatedAt: 0,
  best: undefined,
  worse: 0,
});

const counts = [
  'step',
  'skipped',
  'epoch',
  'next',
  'runs',
  'lossCount',
  'validatedAt',
  'worse',
] as const;

/** What `JSON.stringify` of a state gives, read again. AppError `data_invalid` naming the file. */
export function parseRunState(text: string | undefined, file: string): RunState {
  const broken = new AppError('data_invalid', `${file} does not say where its run stood`, {
    hint: 'it was not written by a run of this version: begin the run anew',
  });
  let found: unknown;
  try {
    found = JSON.parse(text ?? '');
  } catch {
    throw broken;
  }
  if (typeof found !== 'object' || found === null) throw broken;
  const state = { ...newRunState(), ...found };
  const whole = counts.every((name) => isCount(state[name]));
  if (!whole || !Number.isFinite(state.lossSum) || !isBestOrNone(state.best)) throw broken;
  return state;
}

/** Less than what no number counts exactly any more, also where a seed is added to it. */
const MOST = 2 ** 48;

const isCount = (value: unknown): boolean =>
  Number.isSafeInteger(value) && Number(value) >= 0 && Number(value) < MOST;

function isBestOrNone(best: unknown): boolean {
  if (best === undefined) return true;
  if (typeof best !== 'object' || best === null) return false;
  const { step, epoch, value, macroF1, loss } = best as Partial<Record<keyof Best, unknown>>;
  return [step, epoch].every(isCount) && [value, macroF1, loss].every(Number.isFinite);
}
