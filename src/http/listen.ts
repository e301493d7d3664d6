import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { AppError } from '../errors.ts';
import type { AppDeps } from './deps.ts';
import { type Draining, drainable } from './drain.ts';
import { answerHalfClosed } from './half-close.ts';
import { answerMalformed } from './raw-answers.ts';

/** Milliseconds that a connection may be slow or silent. */
export const connectionTimeouts = {
  headersTimeout: 10_000,
  requestTimeout: 60_000,
  /** Longer than the idle time of common load balancers, so that they are the ones to close. */
  keepAliveTimeout: 65_000,
  connectionsCheckingInterval: 1_000,
} as const;

/** Said here, since `NODE_OPTIONS` may say otherwise. */
const MOST_HEADER_BYTES = 16 * 1024;

export interface HttpServer extends Draining {
  readonly server: Server;
}

/** The HTTP server of an app, not listening yet. `timeouts` are for tests. */
export function createHttpServer(
  app: RequestListener,
  deps: Pick<AppDeps, 'metrics'>,
  timeouts: Partial<Record<keyof typeof connectionTimeouts, number>> = {},
): HttpServer {
  const server = createServer({
    maxHeaderSize: MOST_HEADER_BYTES,
    ...connectionTimeouts,
    ...timeouts,
    // The app itself answers what these would refuse with an empty answer.
    requireHostHeader: false,
    noDelay: true,
  });
  answerMalformed(server, deps);
  answerHalfClosed(server);
  server.on('request', (request, response) => {
    request.url = targetOf(request.url);
    app(request, response);
  });
  server.on('checkContinue', (request, response) => server.emit('request', request, response));
  server.on('checkExpectation', (request, response) => server.emit('request', request, response));
  return { server, ...drainable(server) };
}

/**
 * What a request asks for. Express answers a target that it cannot parse by itself, with a page of HTML that is
 * counted nowhere: such a target becomes one that the app refuses.
 */
function targetOf(url = '/'): string {
  const isKnown =
    url.startsWith('/') || url === '*' || (/^https?:/i.test(url) && URL.canParse(url));
  return isKnown ? url : '/%';
}

/** Resolves to the port once it listens. AppError `port_unavailable`. */
export function listen(server: Server, host: string, port: number): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once('error', (cause: NodeJS.ErrnoException) => {
      reject(portError(host, port, cause));
    });
    server.listen({ host, port }, () => resolve((server.address() as AddressInfo).port));
  });
}

const listenErrors: Readonly<Record<string, string>> = {
  EADDRINUSE: 'it is in use',
  EACCES: 'it takes more rights',
  EADDRNOTAVAIL: 'the address is none of this machine',
  ENOTFOUND: 'the host name is unknown',
};

function portError(host: string, port: number, cause: NodeJS.ErrnoException): AppError {
  const why = listenErrors[cause.code ?? ''] ?? cause.message;
  return new AppError('port_unavailable', `port ${port} of ${host} cannot be listened on: ${why}`, {
    hint: 'name another with --port N or --host H',
    cause,
  });
}
