import type { AppError } from '../errors.ts';

/** One record of an input, by the line on which it begins (from 1): its text, or why it has none. */
export interface BulkRecord {
  readonly line: number;
  readonly text: string | AppError;
}

/** The lines of other shards are passed over: shard `index` (from 0) of `count` has every count-th record. */
export interface Shard {
  readonly index: number;
  readonly count: number;
}
