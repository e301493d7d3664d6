import { createHash, type Hash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { mkdir, open, rename, rm, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { AppError } from '../../src/errors.ts';
import { shown, strangerOf } from '../../src/files/index.ts';
import type { HubClient, RemoteFile } from './client.ts';
import { onDisk, PassingFailure } from './failures.ts';
import { mostBytes, overflow } from './limits.ts';
import type { HubReference } from './reference.ts';
import type { HubAnswer } from './request.ts';
import { timeFor } from './timing.ts';

export interface DownloadOptions {
  readonly client: HubClient;
  readonly reference: HubReference;
  /** Told the bytes that are there, after each piece. */
  readonly onBytes: (bytes: number) => void;
}

/** One file on its way, over all the answers that its bytes come in. */
interface Download extends DownloadOptions {
  readonly file: RemoteFile;
  /** Where its bytes are until they are all there. */
  readonly partial: string;
  readonly most: number;
  /** By the client's clock. */
  readonly until: number;
  /** What the store of the bytes called them first. */
  etag: string | undefined;
}

/**
 * Downloads a file. It stands under its name only when it is whole and its hash is right; what came
 * before a connection was cut is kept beside it, and the next attempt, or the next run, goes on
 * from there.
 *
 * @throws AppError `file_missing` where the hub cannot be reached or is too slow, `write_failed` where the cache cannot
 *   be written, `data_invalid` for a wrong size or hash, and for more bytes than were announced or than there may be
 */
export async function downloadFile(
  file: RemoteFile,
  target: string,
  options: DownloadOptions,
): Promise<void> {
  const { client } = options;
  const { timing } = client;
  const most = mostBytes(file);
  const partial = `${target}.${file.etag.replace(/\W/g, '').slice(0, 12)}.incomplete`;
  await onDisk(dirname(target), () => mkdir(dirname(target), { recursive: true }));
  const until = timing.now() + timeFor(timing, most);
  const download: Download = { ...options, file, partial, most, until, etag: undefined };
  await client.retrying(() => fetchRest(download));
  const problem = await onDisk(partial, () => problemOf(file, partial));
  if (problem === undefined) return onDisk(target, () => rename(partial, target));
  await remove(partial);
  throw new AppError('data_invalid', `${file.path} was downloaded wrongly: ${problem}`, {
    hint: 'run it again: the file is downloaded anew',
  });
}

const remove = (partial: string): Promise<void> =>
  onDisk(partial, () => rm(partial, { force: true }));

/** Appends what is missing. */
async function fetchRest(download: Download): Promise<void> {
  const { client, reference, file, partial, most } = download;
  const have = (await stat(partial).catch(() => undefined))?.size ?? 0;
  if (have > 0 && have === file.size) return;
  if (have > most) return restart(partial);
  const answer = await client.open(reference, file, have);
  let isAppending: boolean;
  try {
    requirePlain(answer, file);
    isAppending = await continues(answer, have, download);
  } catch (error) {
    await answer.cancel();
    throw error;
  }
  const bytes = await append(answer, isAppending ? have : undefined, download);
  if (file.size !== undefined && bytes < file.size) {
    throw new PassingFailure('the connection was cut');
  }
}

async function restart(partial: string): Promise<never> {
  await remove(partial);
  throw new PassingFailure('the part that was there does not fit the file');
}

/** Whether an answer's bytes belong behind those that are there: they may also be all of the file's. */
async function continues(answer: HubAnswer, have: number, download: Download): Promise<boolean> {
  const { status, headers } = answer;
  const { file, partial } = download;
  const etag = headers.get('etag') ?? undefined;
  download.etag ??= etag;
  if (status === 416) return restart(partial);
  if (status === 200) {
    download.etag = etag;
    const length = headers.get('content-length');
    if (length === null || file.size === undefined || Number(length) === file.size) return false;
    throw new AppError(
      'data_invalid',
      `the hub announced ${file.size} bytes of ${file.path} and sends ${Number(length)}`,
      { hint: 'check HF_ENDPOINT' },
    );
  }
  // A range of another place, of another length or of what has changed since would be put together wrongly.
  const [, start, total] = headers.get('content-range')?.match(/^bytes (\d+)-\d+\/(\d+|\*)$/) ?? [];
  const isOfSize = file.size === undefined || total === '*' || Number(total) === file.size;
  if (Number(start) === have && isOfSize && download.etag === etag) return true;
  return restart(partial);
}

/** AppError `data_invalid` for what came packed, although it was asked for as it is. */
function requirePlain({ headers }: HubAnswer, { path }: RemoteFile): void {
  const encoding = headers.get('content-encoding') ?? 'identity';
  if (encoding.trim().toLowerCase() === 'identity') return;
  throw new AppError(
    'data_invalid',
    `the hub sends ${path} as ${shown(encoding)}: expected it as it is, as was asked for`,
    { hint: 'check HF_ENDPOINT, and the proxy before it: neither may compress' },
  );
}

/** @param have bytes that stay; undefined: the file begins anew */
async function append(
  answer: HubAnswer,
  have: number | undefined,
  { client, file, partial, most, until, onBytes }: Download,
): Promise<number> {
  let bytes = have ?? 0;
  let isTooMuch = false;
  const handle = await onDisk(partial, () => open(partial, have === undefined ? 'w' : 'a'));
  try {
    for await (const chunk of answer.bytes()) {
      if (bytes + chunk.length > most) {
        isTooMuch = true;
        throw overflow(file, most);
      }
      await onDisk(partial, () => handle.appendFile(chunk));
      bytes += chunk.length;
      onBytes(bytes);
      if (client.timing.now() > until && bytes < (file.size ?? most)) {
        throw tooSlow(file, bytes, answer);
      }
    }
    await onDisk(partial, () => handle.sync());
  } finally {
    await handle.close();
    if (isTooMuch) await remove(partial);
  }
  return bytes;
}

function tooSlow({ path, size }: RemoteFile, bytes: number, { url }: HubAnswer): AppError {
  const of = size === undefined ? '' : ` of ${size}`;
  return new AppError(
    'file_missing',
    `${new URL(url).origin} is too slow: ${bytes}${of} bytes of ${path} came in the time for all`,
    { hint: 'run it again: what is downloaded stays' },
  );
}

/** What a file's length and hash show to be wrong. */
async function problemOf({ size, etag }: RemoteFile, path: string): Promise<string | undefined> {
  const { size: bytes } = await stat(path);
  if (size !== undefined && bytes !== size) return `it has ${bytes} bytes: expected ${size}`;
  const kind = hashes.find(({ pattern }) => pattern.test(etag));
  if (kind === undefined) return undefined;
  const hash = kind.start(bytes);
  for await (const chunk of createReadStream(path)) hash.update(chunk);
  const digest = hash.digest('hex');
  if (digest === etag) return undefined;
  const stranger = strangerOf(await headOf(path));
  const instead = stranger ? `, it is ${stranger.what}` : '';
  return `its ${kind.name} is ${digest}: expected ${etag}${instead}`;
}

async function headOf(path: string): Promise<Uint8Array> {
  for await (const chunk of createReadStream(path, { end: 63 })) return chunk;
  return new Uint8Array(0);
}

/** What an etag may be the hash of. */
const hashes: readonly {
  readonly name: string;
  readonly pattern: RegExp;
  readonly start: (bytes: number) => Hash;
}[] = [
  { name: 'sha256', pattern: /^[0-9a-f]{64}$/, start: () => createHash('sha256') },
  {
    name: 'git blob id',
    pattern: /^[0-9a-f]{40}$/,
    start: (bytes) => createHash('sha1').update(`blob ${bytes}\0`),
  },
];
