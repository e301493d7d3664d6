import { createHash } from 'node:crypto';
import { createReadStream, existsSync } from 'node:fs';
import { stat } from 'node:fs/promises';
import { basename, join, resolve } from 'node:path';
import { AppError } from '../errors.ts';
import { readJsonFile } from '../files/index.ts';
import { tokenizerPaths } from '../text/index.ts';
import { isManifest, manifestProblems } from './check-manifest.ts';
import { refuseUnlistedWeights } from './external-data.ts';
import {
  EXPLAIN_FILE,
  type FileEntry,
  MANIFEST_FILE,
  type Manifest,
  modelFiles,
  type Precision,
} from './manifest.ts';

/** A model bundle whose files are what its manifest says. */
export interface Bundle {
  /** Absolute. */
  readonly dir: string;
  readonly manifest: Manifest;
}

/** One graph of a bundle. */
export interface BundledModel {
  readonly precision: Precision;
  /** Inside the bundle, for messages: `onnx/model.onnx`. */
  readonly file: string;
  /** Absolute. */
  readonly path: string;
}

/** What `auto` takes, the first that is there. Only the CPU has kernels for dynamic int8. */
const preferredPrecisions = {
  cpu: ['int8', 'fp32'],
  other: ['fp16', 'fp32'],
} as const satisfies Record<string, readonly Precision[]>;

/**
 * Opens a bundle and verifies its manifest and every file that it names; other files may be there, but none
 * that would be read.
 * AppError `bundle_missing`, or `bundle_invalid` naming the file, what it is and what was expected.
 */
export async function readBundle(dir: string): Promise<Bundle> {
  const folder = resolve(dir);
  const manifest = await readManifest(dir, folder);
  for (const [file, entry] of Object.entries(manifest.files)) {
    const problem = await fileProblem(join(folder, file), entry);
    if (problem) throw mismatch(dir, file, problem);
  }
  // They are read where they are there.
  for (const path of Object.values(tokenizerPaths(folder))) {
    const file = basename(path);
    if (Object.hasOwn(manifest.files, file) || !existsSync(path)) continue;
    throw new AppError('bundle_invalid', `${dir} has a ${file} that its manifest does not list`, {
      hint: 'remove it: what a bundle needs was written with it',
    });
  }
  for (const file of graphFiles) {
    if (!Object.hasOwn(manifest.files, file)) continue;
    await refuseUnlistedWeights(join(folder, file), file, manifest.files);
  }
  return { dir: folder, manifest };
}

const graphFiles = [...Object.values(modelFiles), EXPLAIN_FILE];

/** What brings a graph that a bundle lacks. */
const howToGet: Readonly<Record<Precision | 'auto', string>> = {
  auto: '',
  fp32: '',
  int8: ', or train with quantize.scheme=int8',
  fp16: ', or train with quantize.fp16=yes',
};

/**
 * The graph to serve for `runtime.precision` on `runtime.device`. AppError `bundle_invalid` where the bundle
 * has none of that precision.
 */
export function selectModel(
  bundle: Bundle,
  precision: Precision | 'auto',
  device = 'cpu',
): BundledModel {
  const { files, name } = bundle.manifest;
  const preferred = preferredPrecisions[device === 'cpu' || device === 'auto' ? 'cpu' : 'other'];
  const wanted = precision === 'auto' ? preferred : [precision];
  const found = wanted.find((one) => Object.hasOwn(files, modelFiles[one]));
  if (found) {
    const file = modelFiles[found];
    return { precision: found, file, path: join(bundle.dir, file) };
  }
  throw new AppError(
    'bundle_invalid',
    `the bundle ${name} holds no ${precision} model: expected ${wanted.map((one) => modelFiles[one]).join(' or ')}`,
    { hint: `set runtime.precision=auto to take what is there${howToGet[precision]}` },
  );
}

/** The absolute path of the graph that explains predictions; undefined where the bundle has none. */
export function explainPath({ dir, manifest }: Bundle): string | undefined {
  return Object.hasOwn(manifest.files, EXPLAIN_FILE) ? join(dir, EXPLAIN_FILE) : undefined;
}

async function readManifest(dir: string, folder: string): Promise<Manifest> {
  const found = await stat(folder).catch(() => undefined);
  if (!found?.isDirectory()) {
    const what = found ? 'is no folder' : 'does not exist';
    throw new AppError('bundle_missing', `the model bundle ${dir} ${what}`, {
      hint: 'train one (npx mbti-train --config configs/quick.json) or name another with --model DIR',
    });
  }
  const value = readJsonFile(join(folder, MANIFEST_FILE), {
    name: join(dir, MANIFEST_FILE),
    missing: 'bundle_missing',
    invalid: 'bundle_invalid',
    limit: LARGEST_MANIFEST,
    hint: 'a model bundle is a folder that mbti-train wrote',
  });
  if (isManifest(value)) return value;
  throw new AppError(
    'bundle_invalid',
    `${join(dir, MANIFEST_FILE)} is not a valid manifest: ${listed(manifestProblems(value))}`,
    { hint: 'write the bundle again with this version of mbti-train' },
  );
}

const MOST_NAMED = 10;

function listed(problems: readonly string[]): string {
  const others = problems.length - MOST_NAMED;
  const named = problems.slice(0, MOST_NAMED).join('; ');
  return others > 0 ? `${named}; and ${others} more` : named;
}

/** Bytes. */
const LARGEST_MANIFEST = 16 * 2 ** 20;

/** What is wrong with a file, or undefined. The size comes first: it is free. */
async function fileProblem(path: string, entry: FileEntry): Promise<string | undefined> {
  const found = await stat(path).catch(() => undefined);
  if (!found) return 'the file is missing';
  if (!found.isFile()) return 'it is not a file';
  if (found.size !== entry.size) return `size ${found.size}, expected ${entry.size}`;
  const sha256 = await hashFile(path).catch((error: NodeJS.ErrnoException) => error);
  if (sha256 instanceof Error) return `it cannot be read (${sha256.code})`;
  return sha256 === entry.sha256 ? undefined : `sha256 ${sha256}, expected ${entry.sha256}`;
}

/** sha256 in hex, streamed. */
export async function hashFile(path: string): Promise<string> {
  const hash = createHash('sha256');
  for await (const part of createReadStream(path, { highWaterMark: 1 << 20 })) hash.update(part);
  return hash.digest('hex');
}

function mismatch(dir: string, file: string, problem: string): AppError {
  return new AppError(
    'bundle_invalid',
    `${file} does not match the manifest of ${dir}: ${problem}`,
    { hint: 'the bundle is damaged or was edited: copy it again, or train it again' },
  );
}
