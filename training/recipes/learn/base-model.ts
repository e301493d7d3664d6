import { existsSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { Config, InitConfig } from '../../../src/config/index.ts';
import { AppError } from '../../../src/errors.ts';
import { readJsonFile } from '../../../src/files/index.ts';
import type { TextTokenizer } from '../../../src/text/index.ts';
import {
  distilbert,
  distilbertConfig,
  exportFolder,
  randomWeights,
} from '../../architectures/index.ts';
import { downloadModel, isHubReference } from '../../hub/index.ts';
import { readModel } from '../../onnx/codec/index.ts';
import type { Model } from '../../onnx/model.ts';
import type { Screen } from '../../tracking/index.ts';
import { requireServableInputs } from '../delivery/servable.ts';

/** What training starts from. */
export interface BaseModel {
  readonly model: Model;
  /** `keep` where the graph has logits of its own, else `mlp`: a task head is attached. */
  readonly head: 'keep' | 'mlp';
  /** The encoder's part of a Hugging Face config.json; empty where none is known. */
  readonly hfConfig: Readonly<Record<string, unknown>>;
  readonly description: string;
  /** What of it is left out or taken otherwise than it is written, a line each. */
  readonly notes: readonly string[];
}

/**
 * The configuration with `model.base` as a local folder, where it names a model of a hub:
 * downloaded, or cached.
 */
export async function withLocalBase(config: Config, screen: Screen): Promise<Config> {
  const { base } = config.model;
  if (typeof base !== 'string' || !isHubReference(base)) return config;
  return { ...config, model: { ...config.model, base: await downloadModel(base, { screen }) } };
}

/**
 * The forward graph that `model.base` names; one of a hub is local by now (`withLocalBase`).
 * AppError `file_missing`, `model_invalid`, or `config_invalid` where the kind of base is not
 * supported or does not fit the tokenizer.
 */
export async function baseModel(config: Config, tokenizer: TextTokenizer): Promise<BaseModel> {
  const { base } = config.model;
  if (base === null) throw unsupported('model.base is missing');
  if (typeof base === 'object') return randomBase(base.init, config.seed, tokenizer);
  const file = graphFile(base);
  if (file === undefined) return exportedBase(base, config, tokenizer);
  const hfConfig = readHfConfig(file);
  requireFit(config, hfConfig, tokenizer);
  const model = await readModel(file);
  requireServableInputs(model, file);
  const head = headOf(model, config.task.axes.length, file);
  return { model, head, hfConfig, description: file, notes: [] };
}

/** A folder with `model.safetensors`, exported in memory; a head of other labels is left out. */
async function exportedBase(
  folder: string,
  config: Config,
  tokenizer: TextTokenizer,
): Promise<BaseModel> {
  const labels = config.task.axes.length;
  const { model, config: hfConfig, notes } = await exportFolder(folder, { labels });
  requireFit(config, hfConfig, tokenizer);
  return {
    model,
    head: headOf(model, labels, folder),
    hfConfig: { ...hfConfig, architectures: classifiers[String(hfConfig.model_type)] },
    description: folder,
    notes,
  };
}

/** transformers' classes of what is trained: the encoder with a head. */
const classifiers: Readonly<Record<string, readonly string[]>> = {
  distilbert: ['DistilBertForSequenceClassification'],
  bert: ['BertForSequenceClassification'],
};

function randomBase(init: InitConfig, seed: number, tokenizer: TextTokenizer): BaseModel {
  const hfConfig = distilbertConfig({ ...init, vocab_size: tokenizer.vocabularySize });
  const model = distilbert(hfConfig, randomWeights(hfConfig, seed));
  const { n_layers: layers, dim } = hfConfig;
  return {
    model,
    head: 'mlp',
    hfConfig: { ...hfConfig },
    description: `DistilBERT from random weights, ${layers} × ${dim} wide`,
    notes: [],
  };
}

/**
 * A `.onnx` file itself, or the one of a folder in Hugging Face layout; undefined where it is to be
 * exported.
 */
function graphFile(base: string): string | undefined {
  if (!statSync(base, { throwIfNoEntry: false })?.isDirectory()) {
    if (base.endsWith('.onnx')) return base;
    throw unsupported(`model.base is ${base}, neither a .onnx file nor a folder`);
  }
  const file = join(base, 'onnx', 'model.onnx');
  if (existsSync(file)) return file;
  const weights = ['model.safetensors', 'model.safetensors.index.json'];
  if (weights.some((name) => existsSync(join(base, name)))) return undefined;
  throw unsupported(
    `model.base is ${base}, which holds neither onnx/model.onnx nor model.safetensors`,
  );
}

/** The config.json beside the graph, or one folder up from `onnx/`. */
function readHfConfig(file: string): Readonly<Record<string, unknown>> {
  const folder = dirname(file);
  const found = [join(folder, 'config.json'), join(folder, '..', 'config.json')].find((place) =>
    existsSync(place),
  );
  return found === undefined ? {} : readJsonFile(found);
}

/** The tokenizer's ids and the windows must lie within the base's embeddings. */
function requireFit(
  config: Config,
  hfConfig: Readonly<Record<string, unknown>>,
  tokenizer: TextTokenizer,
): void {
  const { vocab_size: words, max_position_embeddings: positions } = hfConfig;
  if (typeof words === 'number' && tokenizer.vocabularySize > words) {
    throw new AppError(
      'config_invalid',
      `model.tokenizer has ${tokenizer.vocabularySize} word pieces: expected at most ${words}, those of model.base`,
      { hint: 'leave model.tokenizer out to take the one beside the base' },
    );
  }
  if (typeof positions === 'number' && config.train.max_length > positions) {
    throw new AppError(
      'config_invalid',
      `train.max_length is ${config.train.max_length}: expected at most ${positions}, the positions of model.base`,
    );
  }
}

function headOf({ graph }: Model, axes: number, file: string): 'keep' | 'mlp' {
  const logits = graph.outputs.find(({ name }) => name === 'logits');
  if (!logits) return 'mlp';
  const width = logits.shape?.at(-1);
  if (width === axes || typeof width !== 'number') return 'keep';
  throw new AppError(
    'model_invalid',
    `${file} has logits of ${width} labels: expected ${axes}, one for each axis of the task`,
    { hint: 'take a base that ends in last_hidden_state: a head for the task is attached to it' },
  );
}

function unsupported(problem: string): AppError {
  return new AppError('config_invalid', problem, {
    hint: 'supported are a .onnx file, a folder with onnx/model.onnx or model.safetensors, hf:org/repo, and {"init": {…}} for random weights',
  });
}
