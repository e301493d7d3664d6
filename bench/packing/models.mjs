import { join } from 'node:path';
import { modelFiles, readBundle } from '../../dist/src/bundle/index.js';
import {
  distilbert,
  distilbertConfig,
  randomWeights,
} from '../../dist/training/architectures/index.js';
import { optimizeForInference } from '../../dist/training/deploy/optimize.js';
import { quantizeModel } from '../../dist/training/deploy/quantize/quantize-model.js';
import { encodeModel, readModel } from '../../dist/training/onnx/codec/index.js';
import { config, weights } from '../train/model.mjs';
import { formsOf, openSession } from './forms.mjs';
import { packedModel } from './graph.mjs';
import { scalePerToken } from './per-row.mjs';

/** The graphs that a bundle deploys, in fp32 and int8, and what else of it is needed: of a folder, or made here. */
export async function deployedModels(dir) {
  if (dir === undefined) {
    const fp32 = optimizeForInference(distilbert(config(6), weights, 4)).model;
    return { fp32, int8: quantizeModel(fp32).model, vocabulary: 30522, maxLength: 512 };
  }
  const { manifest } = await readBundle(dir);
  const read = (file) => readModel(join(dir, file));
  return {
    fp32: await read(modelFiles.fp32),
    int8: await read(modelFiles.int8),
    vocabulary: 1000,
    maxLength: manifest.max_length,
    tokenizerDir: dir,
  };
}

/** Small enough for a test: two layers, weights that tell tokens, positions and neighbours apart. */
export function tinyModels() {
  const shape = { vocab_size: 64, dim: 16, n_layers: 2, n_heads: 2, hidden_dim: 32 };
  const tiny = distilbertConfig({
    ...shape,
    max_position_embeddings: 16,
    initializer_range: 0.3,
  });
  const fp32 = optimizeForInference(distilbert(tiny, randomWeights(tiny, 1), 4)).model;
  return { fp32, int8: quantizeModel(fp32).model, vocabulary: 64 };
}

/** The forms of one precision, their sessions open; `release` closes them. int8 has the row with a scale per token besides. */
export async function openForms(deployed, precision, options = {}) {
  const open = (model) => openSession(encodeModel(model));
  const sessions = {
    deployed: await open(deployed),
    masked: await open(packedModel(deployed, 'masked')),
    apart: await open(packedModel(deployed, 'apart')),
    ...(precision === 'int8'
      ? { perToken: await open(packedModel(scalePerToken(deployed), 'apart')) }
      : {}),
  };
  const release = () => Promise.all(Object.values(sessions).map((session) => session.release()));
  return { forms: formsOf(sessions, options), release };
}
