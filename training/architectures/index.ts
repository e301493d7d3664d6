export { expandAttention, repeatsMask } from './attention-nodes.ts';
export { distilbert } from './distilbert.ts';
export { distilbertConfig } from './distilbert-config.ts';
export { insertDropout, keepDropout } from './dropout.ts';
export { attachHead } from './head.ts';
export { exportFolder, isExportable, shardsOf } from './hugging-face.ts';
export { addLoss } from './loss.ts';
export { repeatRotaryTables } from './rotary-nodes.ts';
export { randomWeights, type WeightSource } from './weights.ts';
