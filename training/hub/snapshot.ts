import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { AppError } from '../../src/errors.ts';
import { readTextFile, writeFileAtomically } from '../../src/files/index.ts';
import { isExportable, shardsOf } from '../architectures/index.ts';
import { HubClient, type RemoteFile } from './client.ts';
import { downloadFile } from './download.ts';
import { onDisk } from './failures.ts';
import { downloadProgress, type HubScreen } from './progress.ts';
import { type HubReference, hubReference, referenceText } from './reference.ts';
import { type HubSettings, hubSettings } from './settings.ts';
import type { HubTiming } from './timing.ts';

export interface DownloadModelOptions {
  readonly screen: HubScreen;
  readonly settings?: HubSettings;
  /** How long the hub is waited for; what is left out is as usual. */
  readonly timing?: Partial<HubTiming>;
}

const CONFIG = 'config.json';
const TOKENIZER = 'tokenizer.json';
const GRAPH = 'onnx/model.onnx';
const WEIGHTS = 'model.safetensors';
const SHARDS = 'model.safetensors.index.json';

/**
 * A model of a hub as a local folder in Hugging Face layout: config.json, tokenizer files, and
 * model.safetensors (whole or in shards) where it can be exported, else onnx/model.onnx. What the
 * cache holds is not asked for again.
 *
 * @param text `hf:org/repo[@revision]`
 * @throws AppError `config_invalid`, `file_missing` for what does not exist or cannot be reached, `write_failed` for a
 *   cache that cannot be written, `data_invalid` for a download whose hash is wrong
 */
export async function downloadModel(text: string, options: DownloadModelOptions): Promise<string> {
  const reference = hubReference(text);
  const settings = options.settings ?? hubSettings();
  const cached = cachedFolder(reference, settings);
  const missing = cached && missingFrom(cached);
  if (settings.offline) {
    if (cached && missing === undefined) return cached;
    throw notCached(reference, settings, missing ?? 'the model');
  }
  if (cached && missing === undefined && reference.revision === commitOf(reference, settings)) {
    return cached;
  }
  return download(reference, settings, options);
}

async function download(
  reference: HubReference,
  settings: HubSettings,
  { screen, timing }: DownloadModelOptions,
): Promise<string> {
  const client = new HubClient(settings, timing, (why) => screen.write(`download   ${why}\n`));
  const config = await client.find(reference, CONFIG);
  if (config === undefined) throw lacks(reference, CONFIG);
  const { commit } = config;
  const pinned = { ...reference, revision: commit };
  const folder = snapshotFolder(pinned, settings);
  const get = async (path: string, known?: RemoteFile): Promise<boolean> => {
    const target = join(folder, path);
    if (existsSync(target)) return true;
    const file = known ?? (await client.find(pinned, path));
    if (file === undefined) return false;
    const progress = downloadProgress(screen, path, file.size);
    await downloadFile(file, target, { client, reference, onBytes: progress.bytes });
    progress.finish();
    return true;
  };
  await get(CONFIG, config);
  if (!(await get(TOKENIZER))) throw lacks(reference, TOKENIZER);
  await get('tokenizer_config.json');
  await get('special_tokens_map.json');
  await getWeights(folder, get, reference);
  const ref = refFile(reference, settings);
  await onDisk(ref, () => writeFileAtomically(ref, commit));
  return folder;
}

/** The weights last: where they are, everything is. */
async function getWeights(
  folder: string,
  get: (path: string) => Promise<boolean>,
  reference: HubReference,
): Promise<void> {
  const exportable = isExportable(folder);
  if (exportable && (await get(WEIGHTS))) return;
  if (exportable && (await get(SHARDS))) {
    for (const file of shardsOf(join(folder, SHARDS))) {
      if (!(await get(file))) throw lacks(reference, file);
    }
    return;
  }
  await get(`${GRAPH}_data`);
  if (await get(GRAPH)) return;
  throw lacks(reference, exportable ? `${WEIGHTS} and no ${GRAPH}` : GRAPH);
}

/** A file without which a folder is no whole model; undefined: it is one. */
function missingFrom(folder: string): string | undefined {
  const has = (path: string) => existsSync(join(folder, path));
  const basic = [CONFIG, TOKENIZER].find((path) => !has(path));
  if (basic !== undefined) return basic;
  if (has(WEIGHTS) || has(GRAPH)) return undefined;
  return has(SHARDS) ? shardsOf(join(folder, SHARDS)).find((path) => !has(path)) : WEIGHTS;
}

/** The folder that all revisions of a model share in the cache. */
const repoFolder = ({ repo }: HubReference, { cache }: HubSettings): string =>
  join(cache, `models--${repo.replaceAll('/', '--')}`);

const snapshotFolder = (reference: HubReference, settings: HubSettings): string =>
  join(repoFolder(reference, settings), 'snapshots', reference.revision);

const refFile = (reference: HubReference, settings: HubSettings): string =>
  join(repoFolder(reference, settings), 'refs', reference.revision);

/** Bytes: a commit. */
const LONGEST_REF = 1024;
const COMMIT = /^[0-9a-f]{40}$/;

/** The commit that a revision stood for when it was last downloaded. */
function commitOf(reference: HubReference, settings: HubSettings): string | undefined {
  if (COMMIT.test(reference.revision)) return reference.revision;
  try {
    const text = readTextFile(refFile(reference, settings), { limit: LONGEST_REF }).trim();
    return COMMIT.test(text) ? text : undefined;
  } catch {
    return undefined;
  }
}

function cachedFolder(reference: HubReference, settings: HubSettings): string | undefined {
  const revision = commitOf(reference, settings);
  if (revision === undefined) return undefined;
  const folder = snapshotFolder({ ...reference, revision }, settings);
  return existsSync(folder) ? folder : undefined;
}

const notCached = (reference: HubReference, { cache }: HubSettings, missing: string): AppError =>
  new AppError(
    'file_missing',
    `${referenceText(reference)}: ${missing} is not in the cache (${cache}), and HF_HUB_OFFLINE is set`,
    { hint: 'run it once without HF_HUB_OFFLINE, or give a local folder' },
  );

const lacks = (reference: HubReference, what: string): AppError =>
  new AppError('file_missing', `${referenceText(reference)} has no ${what}`, {
    hint: `expected ${CONFIG}, ${TOKENIZER}, and ${WEIGHTS} or ${GRAPH}`,
  });
