export { distilbert } from './distilbert.ts';
export { distilbertConfig } from './distilbert-config.ts';
export { attachHead } from './head.ts';
export { exportFolder, isExportable, shardsOf } from './hugging-face.ts';
export { randomWeights, type WeightSource } from './weights.ts';
