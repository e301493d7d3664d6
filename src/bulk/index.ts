export { predictRecords } from './predict.ts';
export { type Format, formatOf, formats, readers } from './records.ts';
export { inShard, parseShard } from './shard.ts';
export type { BulkRecord } from './types.ts';
