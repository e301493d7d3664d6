export { openInput } from './input.ts';
export { predictRecords } from './predict.ts';
export { inShard, parseShard } from './shard.ts';
