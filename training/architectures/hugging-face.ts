import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { AppError } from '../../src/errors.ts';
import { nameShown, readJsonFile, shown } from '../../src/files/index.ts';
import type { Model } from '../onnx/model.ts';
import { readSafetensors } from '../onnx/safetensors.ts';
import type { Tensor } from '../onnx/tensor.ts';
import { bert } from './bert.ts';
import { bertConfig } from './bert-config.ts';
import { type CheckpointWeights, checkpointWeights } from './checkpoint-weights.ts';
import { distilbert } from './distilbert.ts';
import { distilbertConfig } from './distilbert-config.ts';
import { unusedNote, withoutWrappers } from './tensor-names.ts';
import type { WeightSource } from './weights.ts';

type RawConfig = Readonly<Record<string, unknown>>;

/** An architecture that can be exported. */
interface Architecture {
  readonly prefix: string;
  /** What its tensors' names begin with where they lack the prefix, or belong to another task's head. */
  readonly roots: readonly string[];
  /** The key of config.json that says how many layers there are. */
  readonly layers: string;
  /**
   * Parameters that only the classification head has; the last layer's weight is [labels, width].
   */
  readonly head: readonly string[];
  readonly build: (raw: RawConfig, weights: WeightSource, labels: number | undefined) => Model;
}

const architectures: Readonly<Record<string, Architecture>> = {
  distilbert: {
    prefix: 'distilbert.',
    roots: ['embeddings.', 'transformer.layer.', 'pre_classifier.', 'classifier.', 'vocab_', 'qa_'],
    layers: 'n_layers',
    head: ['pre_classifier.weight', 'pre_classifier.bias', 'classifier.weight', 'classifier.bias'],
    build: (raw, weights, labels) => distilbert(distilbertConfig(raw), weights, labels),
  },
  bert: {
    prefix: 'bert.',
    roots: ['embeddings.', 'encoder.layer.', 'pooler.', 'classifier.', 'cls.', 'qa_outputs.'],
    layers: 'num_hidden_layers',
    head: ['classifier.weight', 'classifier.bias'],
    build: (raw, weights, labels) => bert(bertConfig(raw), weights, labels),
  },
};

export interface ExportedFolder {
  /** Output `logits` with a classification head, else `last_hidden_state`. */
  readonly model: Model;
  readonly config: RawConfig;
  /** What was left out or taken otherwise than it is written, a line each. */
  readonly notes: readonly string[];
}

export interface ExportOptions {
  /**
   * The classification head is exported where it has so many labels; left out: however many it has.
   */
  readonly labels?: number;
}

/**
 * The forward graph of a folder in Hugging Face layout: `config.json` and `model.safetensors`,
 * whole or in shards. DistilBERT and BERT, with their head where the folder holds a sequence
 * classifier.
 *
 * @throws AppError `file_missing`, `data_invalid` for a file that is no JSON or no safetensors, and
 *   `model_invalid` for another architecture, a wrong config, or a tensor that is missing or
 *   misshapen
 */
export async function exportFolder(
  folder: string,
  { labels: wanted }: ExportOptions = {},
): Promise<ExportedFolder> {
  const config = readJsonFile(join(folder, 'config.json'));
  const architecture = architectureOf(config, folder);
  const { tensors: given, source } = await readTensors(folder);
  const { prefix, roots } = architecture;
  const { tensors, notes: renamed } = withoutWrappers(given, (name) =>
    [prefix, ...roots].some((root) => name.startsWith(root)),
  );
  const checkpoint = checkpointWeights(tensors, prefix, source);
  const notes = [...renamed, ...layerNotes(config, architecture, tensors, source)];
  const found = headLabels(config, architecture, checkpoint, notes);
  const labels = wanted === undefined || wanted === found ? found : undefined;
  if (labels !== found) {
    notes.push(`its classification head has ${found} labels, not ${wanted}: exported without it`);
  }
  const model = architecture.build(config, checkpoint.weights, labels);
  return { model, config, notes: [...notes, ...unusedNote(checkpoint.unused())] };
}

/**
 * Says where the weights have more layers than config.json. AppError `model_invalid` where they have fewer, whatever
 * tensor of a layer would be missed first.
 */
function layerNotes(
  config: RawConfig,
  { layers: key }: Architecture,
  tensors: ReadonlyMap<string, Tensor>,
  source: string,
): string[] {
  const numbers = [...tensors.keys()].map((name) =>
    Number(/\.layer\.(\d+)\./.exec(`.${name}`)?.[1]),
  );
  const count = Math.max(-1, ...numbers.filter((n) => !Number.isNaN(n))) + 1;
  const { [key]: wanted } = config;
  if (typeof wanted !== 'number' || count === 0 || wanted === count) return [];
  if (wanted < count) {
    return [
      `its weights have ${count} layers, and ${key} in config.json is ${wanted}: those from number ${wanted} on are left out`,
    ];
  }
  throw new AppError(
    'model_invalid',
    `${source} has ${count === 1 ? 'one layer' : `${count} layers`}: expected ${wanted}, as ${key} in config.json says`,
    { hint: `set ${key} to ${count} in config.json if the model is meant to have so many` },
  );
}

/** Whether the architecture that a folder's config.json names is one that can be exported. */
export const isExportable = (folder: string): boolean =>
  known(readJsonFile(join(folder, 'config.json'))) !== undefined;

const known = ({ model_type: type }: RawConfig): Architecture | undefined =>
  typeof type === 'string' && Object.hasOwn(architectures, type) ? architectures[type] : undefined;

function architectureOf(config: RawConfig, folder: string): Architecture {
  const found = known(config);
  if (found) return found;
  const { model_type: type } = config;
  const names = Object.keys(architectures).join(' or ');
  throw new AppError(
    'model_invalid',
    `${join(folder, 'config.json')}: model_type is ${JSON.stringify(type) ?? 'missing'}: expected ${names}`,
    { hint: 'other encoders can be taken as .onnx files, exported elsewhere' },
  );
}

/** Labels of a sequence classifier's head; undefined where there is none. */
function headLabels(
  config: RawConfig,
  { head }: Architecture,
  checkpoint: CheckpointWeights,
  notes: string[],
): number | undefined {
  const names = Array.isArray(config.architectures) ? config.architectures.map(String) : [];
  const claims = names.some((name) => name.endsWith('ForSequenceClassification'));
  const present = head.filter((name) => checkpoint.find(name));
  if (claims && present.length === 0) {
    notes.push(`${names.join(', ')} without the weights of its head: exported without it`);
  }
  const isClassifier = claims
    ? present.length > 0
    : names.length === 0 && present.length === head.length;
  if (!isClassifier) return undefined;
  // Where only a part of the head is there, building it names what is missing.
  const labels = checkpoint.find('classifier.weight')?.dims[0] ?? 1;
  const told = labelsOf(config);
  if (told !== undefined && told !== labels) {
    notes.push(`config.json has ${told} labels, its head ${labels}: the head is taken as it is`);
  }
  return labels;
}

/** How many labels config.json tells of. */
function labelsOf({ num_labels: count, id2label: names }: RawConfig): number | undefined {
  if (typeof names === 'object' && names !== null) return Object.keys(names).length;
  return typeof count === 'number' ? count : undefined;
}

/** All tensors of the folder's checkpoint, and the file that messages name. */
async function readTensors(
  folder: string,
): Promise<{ tensors: ReadonlyMap<string, Tensor>; source: string }> {
  const whole = join(folder, 'model.safetensors');
  if (existsSync(whole)) return { tensors: (await readSafetensors(whole)).tensors, source: whole };
  const index = join(folder, 'model.safetensors.index.json');
  if (!existsSync(index)) throw noWeights(folder, whole);
  const tensors = new Map<string, Tensor>();
  for (const file of shardsOf(index)) {
    const shard = await readSafetensors(join(folder, file));
    for (const [name, tensor] of shard.tensors) {
      if (tensors.has(name)) throw inTwoShards(name, file, index);
      tensors.set(name, tensor);
    }
  }
  return { tensors, source: index };
}

const inTwoShards = (name: string, file: string, index: string): AppError =>
  new AppError(
    'data_invalid',
    `${index}: the tensor ${nameShown(name)} is in ${file} and in a shard before it: expected it in one`,
    { hint: 'download the model again, or save it anew: its shards are of two versions' },
  );

/** The largest models that there are have some two hundred. */
const MOST_SHARDS = 1000;
/** Neither a path, on whichever system, nor what acts on a terminal. */
const SHARD_FILE = /^[^/\\\p{Cc}]+\.safetensors$/u;

/** The files that an index of shards names; they stand beside it. */
export function shardsOf(index: string): string[] {
  const { weight_map: map } = readJsonFile(index);
  const values = isTable(map) ? Object.values(map) : [];
  const files = new Set<string>();
  for (const file of values) {
    if (typeof file !== 'string' || !SHARD_FILE.test(file)) throw noIndex(index, file);
    files.add(file);
  }
  if (files.size === 0) throw noIndex(index, map);
  if (files.size <= MOST_SHARDS) return [...files];
  throw new AppError(
    'data_invalid',
    `${index} names ${files.size} shards: expected ${MOST_SHARDS} at most`,
  );
}

const isTable = (value: unknown): value is object =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

const noIndex = (index: string, found: unknown): AppError =>
  new AppError(
    'data_invalid',
    `${index} is no index of shards: expected "weight_map", tensors to .safetensors files beside it, and not ${typeof found === 'string' ? shown(found) : typeof found}`,
  );

function noWeights(folder: string, expected: string): AppError {
  const pickled = existsSync(join(folder, 'pytorch_model.bin'));
  return new AppError('file_missing', `${expected} does not exist`, {
    hint: pickled
      ? 'pytorch_model.bin is a program, not data: save the model as safetensors'
      : 'expected config.json and model.safetensors, as save_pretrained writes them',
  });
}
