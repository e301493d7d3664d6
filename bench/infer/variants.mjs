import { readFileSync } from 'node:fs';
import { distilbert } from '../../dist/training/architectures/index.js';
import { optimizeForInference } from '../../dist/training/deploy/optimize.js';
import { quantizeModel, schemes } from '../../dist/training/deploy/quantize/quantize-model.js';
import { encodeModel, readModel } from '../../dist/training/onnx/codec/index.js';
import { config, weights } from '../train/model.mjs';

/** DistilBERT-base's shape with its classification head and random weights; or a model of the user's. */
export const givenModel = (file) =>
  file === undefined ? distilbert(config(6), weights, 4) : readModel(file);

/** What the variants are made with. `plain` is the given graph: the runtime optimizes it at load, as it does all. */
const sets = {
  plain: undefined,
  pruned: ['layer-norm', 'select-row'],
  fused: ['layer-norm', 'attention'],
  fused_pruned: ['layer-norm', 'select-row', 'attention'],
};

/** One for each pass that no default has: beside `pruned`, what it adds or takes. */
const ablation = {
  pruned: sets.pruned,
  attention: [...sets.pruned, 'attention'],
  'attention, pack-qkv': [...sets.pruned, 'attention', 'pack-qkv'],
  gelu: [...sets.pruned, 'gelu', 'bias-gelu'],
  'skip-layer-norm': [...sets.pruned, 'skip-layer-norm'],
};

/** The bytes of every variant by its name; `int8` is a file that was quantized from the same model, else it is made. */
export function variants(model, { passes = false, schemes: bySchemes = false, int8 } = {}) {
  if (bySchemes) return everyScheme(model);
  const made = Object.entries(passes ? ablation : sets).map(([name, wanted]) => [
    name,
    encodeModel(wanted ? optimizeForInference(model, { passes: wanted }).model : model),
  ]);
  if (int8) return { ...Object.fromEntries(made), int8: readFileSync(int8) };
  const rounded = passes ? {} : { int8: sets.pruned, int8_fused: sets.fused_pruned };
  const quantized = Object.entries(rounded).map(([name, wanted]) => [
    name,
    encodeModel(quantizeModel(optimizeForInference(model, { passes: wanted }).model).model),
  ]);
  return Object.fromEntries([...made, ...quantized]);
}

/** The pruned model in fp32 and as every `--scheme` of `mbti-model quantize` writes it. */
function everyScheme(given) {
  const { model } = optimizeForInference(given, { passes: sets.pruned });
  const made = schemes.map((scheme) => [
    scheme,
    encodeModel(quantizeModel(model, { scheme }).model),
  ]);
  return Object.fromEntries([['fp32', encodeModel(model)], ...made]);
}
