import type { Config } from '../../../src/config/index.ts';
import type { Parity } from '../../evaluate/index.ts';

export type Int8Limits = Omit<Config['quantize'], 'scheme' | 'texts'>;

/** What an int8 file is measured by. */
export interface Int8Metrics extends Parity {
  /** Bytes of the int8 file over those of the fp32 one. */
  readonly size_ratio: number;
}

interface Rule {
  readonly limit: keyof Int8Limits;
  readonly says: string;
  readonly value: (metrics: Int8Metrics) => number;
  readonly holds: (value: number, limit: number) => boolean;
}

const atLeast = (value: number, limit: number): boolean => value >= limit;
const atMost = (value: number, limit: number): boolean => value <= limit;

const rules: readonly Rule[] = [
  { limit: 'min_agreement', says: 'agreement', value: (m) => m.agreement, holds: atLeast },
  { limit: 'max_mean_dp', says: 'mean |Δp|', value: (m) => m.mean_dp, holds: atMost },
  { limit: 'max_dp', says: 'largest |Δp|', value: (m) => m.max_dp, holds: atMost },
  {
    limit: 'max_f1_drop',
    says: 'loss of macro-F1',
    value: (m) => -m.macro_f1_change,
    holds: atMost,
  },
  { limit: 'max_size_ratio', says: 'size ratio', value: (m) => m.size_ratio, holds: atMost },
];

/** What an int8 file misses, one text each; none: it may be shipped. NaN misses everything. */
export function int8Problems(metrics: Int8Metrics, limits: Int8Limits): string[] {
  return rules.flatMap(({ limit, says, value, holds }) => {
    const bound = limits[limit];
    const found = value(metrics);
    if (bound === null || holds(found, bound)) return [];
    return [`${says} ${found.toFixed(4)} (quantize.${limit} is ${bound})`];
  });
}
