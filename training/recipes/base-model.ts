import { existsSync, readFileSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { Config, InitConfig } from '../../src/config/index.ts';
import { AppError } from '../../src/errors.ts';
import type { TextTokenizer } from '../../src/text/index.ts';
import { distilbert, distilbertConfig, randomWeights } from '../architectures/index.ts';
import { readModel } from '../onnx/codec/index.ts';
import type { Model } from '../onnx/model.ts';

/** What training starts from. */
export interface BaseModel {
  readonly model: Model;
  /** `keep` where the graph has logits of its own, else `mlp`: a task head is attached. */
  readonly head: 'keep' | 'mlp';
  /** The encoder's part of a Hugging Face config.json; empty where none is known. */
  readonly hfConfig: Readonly<Record<string, unknown>>;
  readonly description: string;
}

/**
 * The forward graph that `model.base` names. AppError `file_missing`, `model_invalid`, or
 * `config_invalid` where the kind of base is not supported or does not fit the tokenizer.
 */
export async function baseModel(config: Config, tokenizer: TextTokenizer): Promise<BaseModel> {
  const { base } = config.model;
  if (base === null) throw unsupported('model.base is missing');
  if (typeof base === 'object') return randomBase(base.init, config.seed, tokenizer);
  if (base.startsWith('hf:')) throw unsupported(`model.base is ${base}: downloading follows`);
  const file = graphFile(base);
  const hfConfig = readHfConfig(file);
  requireFit(config, hfConfig, tokenizer);
  const model = await readModel(file);
  return { model, head: headOf(model, config.task.axes.length, file), hfConfig, description: file };
}

function randomBase(init: InitConfig, seed: number, tokenizer: TextTokenizer): BaseModel {
  const hfConfig = distilbertConfig({ ...init, vocab_size: tokenizer.vocabularySize });
  const model = distilbert(hfConfig, randomWeights(hfConfig, seed));
  const { n_layers: layers, dim } = hfConfig;
  return {
    model,
    head: 'mlp',
    hfConfig: { ...hfConfig },
    description: `DistilBERT from random weights, ${layers} × ${dim} wide`,
  };
}

/** A `.onnx` file itself, or the one of a folder in Hugging Face layout. */
function graphFile(base: string): string {
  if (!statSync(base, { throwIfNoEntry: false })?.isDirectory()) {
    if (base.endsWith('.onnx')) return base;
    throw unsupported(`model.base is ${base}, neither a .onnx file nor a folder`);
  }
  const file = join(base, 'onnx', 'model.onnx');
  if (existsSync(file)) return file;
  throw unsupported(
    existsSync(join(base, 'model.safetensors'))
      ? `model.base is ${base}, which holds model.safetensors but no onnx/model.onnx: exporting follows`
      : `model.base is ${base}, which holds no onnx/model.onnx`,
  );
}

/** The config.json beside the graph, or one folder up from `onnx/`. */
function readHfConfig(file: string): Readonly<Record<string, unknown>> {
  const folder = dirname(file);
  const found = [join(folder, 'config.json'), join(folder, '..', 'config.json')].find((place) =>
    existsSync(place),
  );
  if (found === undefined) return {};
  try {
    const value: unknown = JSON.parse(readFileSync(found, 'utf8'));
    if (typeof value === 'object' && value !== null) return { ...value };
  } catch (cause) {
    throw new AppError('data_invalid', `${found} is not JSON`, { cause });
  }
  throw new AppError('data_invalid', `${found} does not hold a JSON object`);
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
    hint: 'supported are a .onnx file, a folder with onnx/model.onnx, and {"init": {…}} for random weights',
  });
}
