import { AppError } from '../errors.ts';
import type { BulkRecord, Shard } from './types.ts';

/** `i/n`: shard i, from 0, of n. AppError `usage`. */
export function parseShard(words: string): Shard {
  const [, index, count] = /^(\d{1,6})\/(\d{1,6})$/.exec(words) ?? [];
  const shard = { index: Number(index), count: Number(count) };
  if (shard.count >= 1 && shard.index < shard.count) return shard;
  throw new AppError('usage', `--shard is ${words}: expected i/n with i from 0 to n - 1`, {
    hint: 'an indexed job of Kubernetes passes --shard $JOB_COMPLETION_INDEX/n',
  });
}

/** Every n-th record, so that all shards together are the whole input and each has its share of every part. */
export async function* inShard(
  records: AsyncIterable<BulkRecord>,
  { index, count }: Shard,
): AsyncGenerator<BulkRecord> {
  let at = 0;
  for await (const record of records) if (at++ % count === index) yield record;
}
