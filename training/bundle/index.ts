export { type CardFacts, modelCard } from './card.ts';
export { classifierConfig } from './classifier-config.ts';
export { type BundleContents, type ManifestFields, writeBundle } from './write.ts';
