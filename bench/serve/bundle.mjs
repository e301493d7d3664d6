import { mkdtempSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { modelFiles } from '../../dist/src/bundle/index.js';
import { loadConfig } from '../../dist/src/config/index.js';
import { packageRoot } from '../../dist/src/package-root.js';
import { untunedTask } from '../../dist/src/task/index.js';
import { distilbert } from '../../dist/training/architectures/index.js';
import {
  classifierConfig,
  windowedTokenizer,
  writeBundle,
} from '../../dist/training/bundle/index.js';
import { optimizeForInference } from '../../dist/training/deploy/optimize.js';
import { quantizeModel } from '../../dist/training/deploy/quantize/quantize-model.js';
import { encodeModel } from '../../dist/training/onnx/codec/index.js';
import { packageVersions } from '../../dist/training/recipes/delivery/provenance.js';
import { config, weights } from '../train/model.mjs';

const MAX_LENGTH = 512;
const shape = config(6);

/**
 * A bundle of DistilBERT-base's shape with random weights in a temporary folder, through the code that mbti-train
 * writes one with. `plain`: one more whose graphs nothing has optimized, as exporters write them. The caller removes
 * `root`.
 */
export async function temporaryBundle({ withPlain }) {
  const root = mkdtempSync(join(tmpdir(), 'mbti-bench-'));
  const { task } = loadConfig({}).config;
  const model = distilbert(shape, weights, task.axes.length);
  const write = async (name, graphs) => {
    const dir = join(root, name);
    await writeBundle({ dir, ...contents(graphs, task) });
    return dir;
  };
  return {
    root,
    bundle: await write('optimized', optimizeForInference(model).model),
    plain: withPlain ? await write('plain', model) : undefined,
  };
}

function contents(model, task) {
  const sample = (name) => readFileSync(join(packageRoot, 'data/sample', name), 'utf8');
  return {
    model: encodeModel(model),
    extraFiles: { [modelFiles.int8]: encodeModel(quantizeModel(model).model) },
    tokenizerJson: sample('tokenizer.json'),
    tokenizerConfig: windowedTokenizer(sample('tokenizer_config.json'), MAX_LENGTH),
    hfConfig: classifierConfig(shape, task),
    manifest: {
      name: 'distilbert',
      task: untunedTask(task, 'mbti'),
      max_length: MAX_LENGTH,
      config_hash: 'none',
      data_hash: 'none',
      packages: packageVersions(),
    },
  };
}
