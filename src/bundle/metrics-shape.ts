import { isHarmless } from '../files/index.ts';
import { isObject } from './reference.ts';

type Holds = (value: unknown) => boolean;

/** Absent, or null as JSON has a number that is none, or as it has to be. */
const perhaps =
  (holds: Holds): Holds =>
  (value) =>
    value === undefined || value === null || holds(value);

const isNumber: Holds = (value) => typeof value === 'number';
const isName: Holds = (value) => typeof value === 'string' && isHarmless(value);

/** Of these keys each is as it has to be; others may be there. */
const hasShape =
  (shape: Readonly<Record<string, Holds>>): Holds =>
  (value) =>
    isObject(value) &&
    Object.entries(shape).every(([key, holds]) =>
      holds(Object.hasOwn(value, key) ? value[key] : undefined),
    );

/** Whether every value of an object is one. */
export const isObjectOf =
  (holds: Holds): Holds =>
  (value) =>
    isObject(value) && Object.values(value).every(holds);

/** What cards and tables show of an axis. */
const areFigures = hasShape({
  accuracy: perhaps(isNumber),
  macro_f1: perhaps(isNumber),
  log_loss: perhaps(isNumber),
  ece: perhaps(isNumber),
});

/** Whether a value of unknown origin is a `MetricSet`, as far as it is looked at. */
export const isMetricSet = hasShape({ axes: isObjectOf(areFigures), average: areFigures });

const isQuantization = hasShape({
  scheme: (value) => value === undefined || isName(value),
  agreement: perhaps(isNumber),
  mean_dp: perhaps(isNumber),
  max_dp: perhaps(isNumber),
  size_ratio: isNumber,
  macro_f1_change: perhaps(isNumber),
  macro_f1_interval: perhaps(
    (value) => Array.isArray(value) && value.length === 2 && value.every(isNumber),
  ),
  texts: perhaps(isNumber),
  fp32_layers: perhaps((value) => Array.isArray(value) && value.every(isName)),
});

const ofSplits = { test: perhaps(isMetricSet), validation: perhaps(isMetricSet) };

/** Whether a value is what a manifest says of how good its model is. */
export const areMetrics = hasShape({
  ...ofSplits,
  uncalibrated: perhaps(hasShape(ofSplits)),
  int8: perhaps(isQuantization),
  fp16: perhaps(isQuantization),
});
