export { distilbert } from './distilbert.ts';
export { type DistilBertConfig, distilbertConfig } from './distilbert-config.ts';
export { insertDropout, keepDropout } from './dropout.ts';
export { attachHead } from './head.ts';
export { addLoss } from './loss.ts';
export { newModel } from './new-model.ts';
export { initialWeights, randomWeights, type WeightSource } from './weights.ts';
