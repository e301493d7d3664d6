import { join } from 'node:path';
import {
  type Bundle,
  explainPath,
  type FoundBundle,
  readBundle,
  selectModel,
} from '../bundle/index.ts';
import { type Config, modelConfig } from '../config/index.ts';
import { type EngineSpec, isOnCpu, type VerifiedFile } from '../engine/index.ts';
import { AppError } from '../errors.ts';
import type { ServedModel } from './served-model.ts';
import { fingerprintOf, stampsIn } from './watch-bundle.ts';

/** What of a bundle the engines load, and what is told of it. */
export interface OpenedModel {
  readonly bundle: Bundle;
  readonly spec: EngineSpec;
  readonly model: ServedModel;
  /** With what the model has of its own. */
  readonly config: Config;
  /** Of the folder, from before it was read. */
  readonly fingerprint: string;
}

/** Verifies a bundle. AppError `bundle_missing` or `bundle_invalid`, also where it lacks the precision. */
export async function openModel(
  found: FoundBundle,
  config: Config,
  verbose = false,
): Promise<OpenedModel> {
  return read(found, config, verbose).catch((error: unknown) => {
    throw found.name === undefined ? error : withFolder(found.dir, error);
  });
}

/** The error with the folder of the bundle that it is about. */
export function withFolder(dir: string, error: unknown): unknown {
  if (!(error instanceof AppError) || error.message.includes(dir)) return error;
  const { code, message, hint, cause } = error;
  return new AppError(code, `${dir}: ${message}`, { cause, ...(hint ? { hint } : {}) });
}

async function read(
  { dir, ...served }: FoundBundle,
  everybodys: Config,
  verbose: boolean,
): Promise<OpenedModel> {
  // From before the files are hashed: whatever is written afterwards shows.
  const stamps = await stampsIn(dir);
  const bundle = await readBundle(dir);
  const { task, max_length: maxLength } = bundle.manifest;
  const { name, version } = { ...bundle.manifest, ...served };
  const config = modelConfig(everybodys, name);
  const { limits, runtime } = config;
  const explainer = explainPath(bundle);
  const { precision, path, file } = selectModel(bundle, runtime.precision, runtime.device);
  return {
    bundle,
    config,
    fingerprint: fingerprintOf(stamps),
    model: {
      name,
      version,
      precision,
      maxLength,
      task,
      explains: explainer !== undefined,
      ...schemeOf(bundle, precision),
    },
    spec: {
      modelPath: path,
      modelFile: file,
      tokenizerDir: bundle.dir,
      task,
      maxLength,
      maxWindows: limits.max_windows,
      device: runtime.device,
      batchTokens: batchTokensOf(runtime, precision),
      verbose,
      files: verifiedFiles(bundle, stamps),
      ...(explainer === undefined ? {} : { explainPath: explainer }),
    },
  };
}

/** How the served file's weights are rounded, where the manifest says it. */
function schemeOf({ manifest }: OpenedModel['bundle'], precision: string): { scheme?: string } {
  const { int8, fp16 } = manifest.metrics ?? {};
  const scheme = { int8, fp16 }[precision]?.scheme;
  return scheme === undefined ? {} : { scheme };
}

/** As many as fill a GPU with short texts, and are done in a fraction of a second. */
const DEVICE_BATCH_TOKENS = 16_384;

/** AppError `config_invalid` where texts would change each other's answers. */
function batchTokensOf(runtime: Config['runtime'], precision: string): number {
  const { batch_tokens: given } = runtime;
  const tokens = given ?? (isOnCpu(runtime) || precision === 'int8' ? 0 : DEVICE_BATCH_TOKENS);
  if (tokens === 0 || precision !== 'int8') return tokens;
  throw new AppError(
    'config_invalid',
    `runtime.batch_tokens is ${tokens}, but the int8 file is served, where one scale rounds all texts of a batch`,
    { hint: 'set runtime.batch_tokens=0, or runtime.precision to fp32 or fp16' },
  );
}

/** What engines load of a bundle: graphs, their weights, the tokenizer. */
const loadedFiles = /^(onnx\/|tokenizer|special_tokens_map)/;

function verifiedFiles(
  { dir, manifest }: Bundle,
  stamps: ReadonlyMap<string, string>,
): VerifiedFile[] {
  return Object.entries(manifest.files)
    .filter(([file]) => loadedFiles.test(file))
    .map(([file, { sha256 }]) => {
      const path = join(dir, file);
      return { path, sha256, stamp: stamps.get(path) ?? 'missing' };
    });
}
