import { copyFile, mkdir, rm, stat, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import {
  type FileEntry,
  FORMAT_VERSION,
  hashFile,
  MANIFEST_FILE,
  type Manifest,
  manifestProblems,
  modelFiles,
  TOKENIZER_FILE,
} from '../../src/bundle/index.ts';
import { AppError, writeError } from '../../src/errors.ts';
import { replaceFolder } from '../../src/files/index.ts';
import { type CardFacts, modelCard } from './card.ts';

/** What the caller says in the manifest; the rest follows from the files. */
export type ManifestFields = Omit<Manifest, 'format_version' | 'files' | 'version' | 'created'> &
  Partial<Pick<Manifest, 'version' | 'created'>>;

type JsonSource = string | Readonly<Record<string, unknown>>;

export interface BundleContents {
  /** The folder to write or replace: `models/<name>`. */
  readonly dir: string;
  /** The fp32 graph: its bytes, or the path of a file to copy. */
  readonly model: Uint8Array | string;
  /** `tokenizer.json`: its text, or its value. */
  readonly tokenizerJson: JsonSource;
  /** `tokenizer_config.json`: its text, or its value. */
  readonly tokenizerConfig: JsonSource;
  /** `config.json`; see `classifierConfig`. */
  readonly hfConfig: JsonSource;
  readonly manifest: ManifestFields;
  readonly card?: CardFacts;
  /** Further files by path inside the bundle: bytes, or the path of a file to copy. */
  readonly extraFiles?: Readonly<Record<string, Uint8Array | string>>;
}

const VERSION_DIGITS = 12;
const CARD_FILE = 'README.md';

/**
 * Writes a bundle that appears at once, complete, in the place of an older one. AppError
 * `write_failed` where it cannot be written; nothing has then changed.
 */
export async function writeBundle(contents: BundleContents): Promise<Manifest> {
  let written: Manifest | undefined;
  try {
    await replaceFolder(contents.dir, requireBundle(contents.dir), async (folder) => {
      written = await fill(folder, contents);
    });
  } catch (cause) {
    throw writeError(`the bundle ${contents.dir}`, cause);
  }
  if (!written) throw new AppError('internal', `the bundle ${contents.dir} was not written`);
  return written;
}

/** Refuses to replace a folder that holds something and is no bundle: AppError `usage`. */
export const requireBundle =
  (dir: string) =>
  (inside: readonly string[]): void => {
    if (inside.length === 0 || inside.includes(MANIFEST_FILE)) return;
    throw new AppError('usage', `${dir} is there and is no model bundle: it is not replaced`, {
      hint: 'name another folder with model.out=DIR, or move that one away',
    });
  };

async function fill(folder: string, contents: BundleContents): Promise<Manifest> {
  const sources: Record<string, Uint8Array | string> = {
    ...contents.extraFiles,
    [modelFiles.fp32]: contents.model,
    'config.json': Buffer.from(json(contents.hfConfig)),
    [TOKENIZER_FILE]: Buffer.from(json(contents.tokenizerJson)),
    'tokenizer_config.json': Buffer.from(json(contents.tokenizerConfig)),
  };
  const files: Record<string, FileEntry> = {};
  for (const [name, source] of Object.entries(sources)) {
    files[name] = await placeFile(join(folder, name), source);
  }
  return describeFolder(folder, completeManifest(contents.manifest, files), contents.card);
}

/** Writes the card and the manifest of files that lie in a folder. Returns the manifest, the card among its files. */
export async function describeFolder(
  folder: string,
  described: Manifest,
  facts?: CardFacts,
): Promise<Manifest> {
  const card = Buffer.from(modelCard(described, facts));
  const entry = await placeFile(join(folder, CARD_FILE), card);
  const manifest = { ...described, files: { ...described.files, [CARD_FILE]: entry } };
  const problems = manifestProblems(manifest);
  if (problems.length > 0) {
    throw new AppError('internal', `the manifest would not be valid: ${problems.join('; ')}`);
  }
  await placeFile(join(folder, MANIFEST_FILE), Buffer.from(json(manifest)));
  return manifest;
}

/** Writes or copies a file in the place of an older one, which may be read-only. */
export async function placeFile(path: string, source: Uint8Array | string): Promise<FileEntry> {
  await mkdir(dirname(path), { recursive: true });
  await rm(path, { force: true });
  await (typeof source === 'string' ? copyFile(source, path) : writeFile(path, source));
  return { sha256: await hashFile(path), size: (await stat(path)).size };
}

function completeManifest(
  { name, version, created, ...fields }: ManifestFields,
  files: Record<string, FileEntry>,
): Manifest {
  return {
    format_version: FORMAT_VERSION,
    name,
    version: version ?? (files[modelFiles.fp32]?.sha256 ?? '').slice(0, VERSION_DIGITS),
    created: created ?? new Date().toISOString(),
    ...fields,
    files,
  };
}

function json(value: JsonSource | Manifest): string {
  if (typeof value === 'string') return value;
  return `${JSON.stringify(value, null, 2)}\n`;
}
