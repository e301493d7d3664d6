import { createHash, type Hash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { mkdir, open, rename, rm, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { AppError } from '../../src/errors.ts';
import type { HubClient, RemoteFile } from './client.ts';
import { networkFailure, onDisk, PassingFailure } from './failures.ts';
import type { HubReference } from './reference.ts';

export interface DownloadOptions {
  readonly client: HubClient;
  readonly reference: HubReference;
  /** Told the bytes that are there, after each piece. */
  readonly onBytes: (bytes: number) => void;
}

/**
 * Downloads a file. It stands under its name only when it is whole and its hash is right; what came
 * before a connection was cut is kept beside it, and the next attempt, or the next run, goes on
 * from there.
 *
 * @throws AppError `file_missing` where the hub cannot be reached, `write_failed` where the cache cannot be written,
 *   `data_invalid` for a wrong size or hash
 */
export async function downloadFile(
  file: RemoteFile,
  target: string,
  options: DownloadOptions,
): Promise<void> {
  const { client } = options;
  const partial = `${target}.${file.etag.replace(/\W/g, '').slice(0, 12)}.incomplete`;
  await onDisk(dirname(target), () => mkdir(dirname(target), { recursive: true }));
  await client.retrying(() => fetchRest(file, partial, options));
  const problem = await onDisk(partial, () => problemOf(file, partial));
  if (problem === undefined) return onDisk(target, () => rename(partial, target));
  await onDisk(partial, () => rm(partial, { force: true }));
  throw new AppError('data_invalid', `${file.path} was downloaded wrongly: ${problem}`, {
    hint: 'run it again: the file is downloaded anew',
  });
}

/** Appends what is missing. */
async function fetchRest(
  file: RemoteFile,
  partial: string,
  { client, reference, onBytes }: DownloadOptions,
): Promise<void> {
  const have = (await stat(partial).catch(() => undefined))?.size ?? 0;
  if (have > 0 && have === file.size) return;
  const answer = await client.open(reference, file, have);
  if (answer.status === 416) {
    await answer.body?.cancel();
    await onDisk(partial, () => rm(partial, { force: true }));
    throw new PassingFailure('the part that was there does not fit the file');
  }
  const resumes = answer.status === 206 && startOf(answer) === have;
  let bytes = resumes ? have : 0;
  const handle = await onDisk(partial, () => open(partial, resumes ? 'a' : 'w'));
  try {
    for await (const chunk of received(answer)) {
      await onDisk(partial, () => handle.appendFile(chunk));
      bytes += chunk.length;
      onBytes(bytes);
    }
    await onDisk(partial, () => handle.sync());
  } finally {
    await handle.close();
  }
  if (file.size !== undefined && bytes < file.size) {
    throw new PassingFailure('the connection was cut');
  }
}

/** What comes of an answer. Where it ends early, that is a failure of the network. */
async function* received(answer: Response): AsyncGenerator<Uint8Array> {
  const body = answer.body?.[Symbol.asyncIterator]();
  if (body === undefined) return;
  try {
    for (;;) {
      const next = await body.next().catch((cause: unknown) => {
        throw networkFailure(new URL(answer.url).origin, cause);
      });
      if (next.done) return;
      yield next.value as Uint8Array;
    }
  } finally {
    // Where it is not wanted to its end, the connection must not stay open.
    await body.return?.();
  }
}

/** The first byte of a partial answer: `bytes 100-199/200`. */
function startOf(answer: Response): number | undefined {
  const range = answer.headers.get('content-range')?.match(/^bytes (\d+)-/);
  return range?.[1] === undefined ? undefined : Number(range[1]);
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
  return digest === etag ? undefined : `its ${kind.name} is ${digest}: expected ${etag}`;
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
