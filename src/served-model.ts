import { readdir } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { type Bundle, explainPath, readBundle, selectModel } from './bundle/index.ts';
import type { Config } from './config/index.ts';
import { type EngineSpec, stampOf, type VerifiedFile } from './engine/index.ts';
import type { ServedModel } from './http/index.ts';

/** What of a bundle the engines load, and what is told of it. */
export interface OpenedModel {
  readonly bundle: Bundle;
  readonly spec: EngineSpec;
  readonly model: ServedModel;
}

/** Verifies a bundle. AppError `bundle_missing` or `bundle_invalid`, also where it lacks the precision. */
export async function openModel(
  dir: string,
  { limits, runtime }: Pick<Config, 'limits' | 'runtime'>,
  verbose = false,
): Promise<OpenedModel> {
  // From before the files are hashed: whatever is written afterwards shows.
  const stamps = await stampsIn(dir);
  const bundle = await readBundle(dir);
  const { name, version, task, max_length: maxLength } = bundle.manifest;
  const explainer = explainPath(bundle);
  const { precision, path, file } = selectModel(bundle, runtime.precision, runtime.device);
  return {
    bundle,
    model: { name, version, precision, maxLength, task, explains: explainer !== undefined },
    spec: {
      modelPath: path,
      modelFile: file,
      tokenizerDir: bundle.dir,
      task,
      maxLength,
      maxWindows: limits.max_windows,
      device: runtime.device,
      verbose,
      files: verifiedFiles(bundle, stamps),
      ...(explainer === undefined ? {} : { explainPath: explainer }),
    },
  };
}

/** What engines load of a bundle: graphs, their weights, the tokenizer. */
const loadedFiles = /^(onnx\/|tokenizer)/;

/** The stamps of all files of a folder, by absolute path; none where there is no such folder. */
async function stampsIn(dir: string): Promise<ReadonlyMap<string, string>> {
  const folder = resolve(dir);
  const names = await readdir(folder, { recursive: true }).catch(() => []);
  const paths = names.map((name) => join(folder, name));
  return new Map(
    await Promise.all(paths.map(async (path) => [path, await stampOf(path)] as const)),
  );
}

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
