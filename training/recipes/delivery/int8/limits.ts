import type { Config } from '../../../../src/config/index.ts';
import type { Parity } from '../../../evaluate/index.ts';

/** How far the answers may lie from those in fp32. */
export type Int8Limits = Pick<
  Config['quantize'],
  'min_agreement' | 'max_mean_dp' | 'max_dp' | 'max_f1_drop'
>;

/** What an int8 file is measured by. */
export interface Int8Metrics extends Parity {
  /** Bytes of the int8 file over those of the fp32 one. */
  readonly size_ratio: number;
}

interface Rule {
  readonly limit: keyof Int8Limits;
  readonly says: string;
  readonly value: (metrics: Int8Metrics) => number;
  readonly holds: (value: number, limit: number, metrics: Int8Metrics) => boolean;
}

/** One decision more than allowed in part is allowed whole: few texts can say no more. */
const fewChange = (value: number, limit: number, { decisions }: Int8Metrics): boolean =>
  Math.round((1 - value) * decisions) <= Math.ceil((1 - limit) * decisions);

const atMost = (value: number, limit: number): boolean => value <= limit;

const rules: readonly Rule[] = [
  { limit: 'min_agreement', says: 'agreement', value: (m) => m.agreement, holds: fewChange },
  { limit: 'max_mean_dp', says: 'mean |Δp|', value: (m) => m.mean_dp, holds: atMost },
  { limit: 'max_dp', says: 'largest |Δp|', value: (m) => m.max_dp, holds: atMost },
  {
    limit: 'max_f1_drop',
    says: 'loss of macro-F1',
    value: (m) => -m.macro_f1_change,
    holds: atMost,
  },
];

/** Of what the limits allow, so much is aimed at: other texts than those that were measured get their share. */
const AIM = 0.8;

/** Tighter limits, to stop at while there is something left to try. */
export const aimedAt = (limits: Int8Limits): Int8Limits => ({
  ...limits,
  min_agreement: 1 - AIM * (1 - limits.min_agreement),
  max_mean_dp: AIM * limits.max_mean_dp,
});

/** Answers in int8 are the same up to this, here and in the server's promise. */
const SAME_ANSWER = 0.005;

/**
 * What an int8 file misses, one text each; none: it may be shipped. NaN misses everything. Where all answers are the
 * same, decisions that change are ties: of a model that has hardly learnt, they all lie at the threshold.
 */
export function int8Problems(metrics: Int8Metrics, limits: Int8Limits): string[] {
  if (metrics.max_dp <= SAME_ANSWER) return [];
  return rules.flatMap(({ limit, says, value, holds }) => {
    const bound = limits[limit];
    const found = value(metrics);
    if (bound === null || holds(found, bound, metrics)) return [];
    return [`${says} ${found.toFixed(4)} (quantize.${limit} is ${bound})`];
  });
}
