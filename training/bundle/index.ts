export { modelCard } from './card.ts';
export { classifierConfig } from './classifier-config.ts';
export { windowedTokenizer } from './tokenizer-config.ts';
export { updateBundle } from './update.ts';
export { writeBundle } from './write.ts';
