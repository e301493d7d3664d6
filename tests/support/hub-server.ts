import { createHash } from 'node:crypto';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

/** A small hub: the addresses and headers of Hugging Face's, for files in memory. */
export interface HubServer {
  readonly endpoint: string;
  /** `GET path range`, in order; HEAD requests are `HEAD path`. */
  readonly requests: string[];
  /** Files of the only model, `org/model` at `main`, by their paths. */
  readonly files: Map<string, Buffer>;
  /** What goes wrong next, by path: the connection is cut after so many bytes, once. */
  readonly cuts: Map<string, number>;
  /** Answers 503 so many times. */
  failures: number;
  /** Answers so to everything. */
  refusal: { readonly status: number; readonly headers?: Record<string, string> } | undefined;
  /** Hashes that are told wrongly. */
  readonly wrongHashes: Set<string>;
  /** Whether ranges are honoured. */
  ranges: boolean;
  commit: string;
  /** Answers in the place of this server, where it says true. */
  instead: (request: IncomingMessage, response: ServerResponse) => boolean;
  close(): Promise<void>;
}

const sha256 = (bytes: Buffer): string => createHash('sha256').update(bytes).digest('hex');
const blobId = (bytes: Buffer): string =>
  createHash('sha1').update(`blob ${bytes.length}\0`).update(bytes).digest('hex');

export async function hubServer(
  files: Readonly<Record<string, string | Buffer>>,
): Promise<HubServer> {
  const server = createServer((request, response) => answer(hub, request, response));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const hub: HubServer = {
    endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    requests: [],
    files: new Map(Object.entries(files).map(([path, data]) => [path, Buffer.from(data)])),
    cuts: new Map(),
    failures: 0,
    refusal: undefined,
    wrongHashes: new Set(),
    ranges: true,
    commit: 'a'.repeat(40),
    instead: () => false,
    close: () =>
      new Promise((resolve) => {
        server.closeAllConnections();
        server.close(() => resolve());
      }),
  };
  return hub;
}

function answer(hub: HubServer, request: IncomingMessage, response: ServerResponse): void {
  const { method, url = '', headers } = request;
  const match = url.match(/^\/(lfs\/)?([\w-]+\/[\w-]+)\/resolve\/([^/]+)\/(.+)$/);
  const [, isStore, repo, revision, path = ''] = match ?? [];
  hub.requests.push([method, path, headers.range].filter(Boolean).join(' '));
  if (hub.instead(request, response)) return;
  if (hub.failures > 0) {
    hub.failures--;
    response.writeHead(503).end();
    return;
  }
  if (hub.refusal) return void response.writeHead(hub.refusal.status, hub.refusal.headers).end();
  const refuse = (code: string) => response.writeHead(404, { 'x-error-code': code }).end();
  if (repo !== 'org/model') return void refuse('RepoNotFound');
  if (revision !== 'main' && revision !== hub.commit) return void refuse('RevisionNotFound');
  const bytes = hub.files.get(path);
  if (bytes === undefined) return void refuse('EntryNotFound');
  const large = path.endsWith('.safetensors') || path.endsWith('.onnx');
  if (large && !isStore) {
    const told = hub.wrongHashes.has(path) ? sha256(Buffer.from('else')) : sha256(bytes);
    response.writeHead(302, {
      location: `/lfs${url}`,
      'x-repo-commit': hub.commit,
      'x-linked-etag': `"${told}"`,
      'x-linked-size': bytes.length,
    });
    return void response.end();
  }
  send(hub, { path, bytes, range: headers.range, isHead: method === 'HEAD' }, response);
}

interface Wanted {
  readonly path: string;
  readonly bytes: Buffer;
  readonly range: string | undefined;
  readonly isHead: boolean;
}

function send(hub: HubServer, { path, bytes, range, isHead }: Wanted, response: ServerResponse) {
  const start = hub.ranges ? Number(range?.match(/^bytes=(\d+)-$/)?.[1] ?? 0) : 0;
  if (start > bytes.length) return void response.writeHead(416).end();
  const rest = bytes.subarray(start);
  response.writeHead(start > 0 ? 206 : 200, {
    'x-repo-commit': hub.commit,
    etag: `"${blobId(bytes)}"`,
    'content-length': rest.length,
    ...(start > 0 ? { 'content-range': `bytes ${start}-${bytes.length - 1}/${bytes.length}` } : {}),
  });
  const cut = hub.cuts.get(path);
  if (isHead) return void response.end();
  if (cut === undefined) return void response.end(rest);
  hub.cuts.delete(path);
  response.write(rest.subarray(0, cut), () => setImmediate(() => response.destroy()));
}
