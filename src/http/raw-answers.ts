import { type IncomingMessage, type Server, type ServerResponse, STATUS_CODES } from 'node:http';
import type { Duplex } from 'node:stream';
import { AppError, type ErrorCode } from '../errors.ts';
import type { AppDeps } from './deps.ts';
import { countMalformed, noteRawStatus } from './middleware/request-metrics.ts';
import { errorBody } from './problem.ts';

/** What Node's parser gives up with, in the product's terms; anything else is malformed HTTP. */
const parserErrors: Readonly<Record<string, readonly [ErrorCode, string]>> = {
  HPE_HEADER_OVERFLOW: ['headers_too_large', 'the headers are over the limit of 16 KiB'],
  ERR_HTTP_REQUEST_TIMEOUT: ['request_timeout', 'the request did not arrive whole in time'],
};

/**
 * Answers what never becomes a request for the app: broken HTTP, headers that are too large, requests
 * that trickle in too slowly, CONNECT. Answers that are on their way are not disturbed.
 */
export function answerMalformed(server: Server, deps: Pick<AppDeps, 'metrics'>): void {
  /** The latest request of every connection. */
  const latest = new WeakMap<Duplex, { request: IncomingMessage; response: ServerResponse }>();
  server.prependListener('request', (request, response) => {
    latest.set(request.socket, { request, response });
  });
  server.on('connect', (_request, socket) => {
    end(socket, deps, new AppError('not_found', 'this is no proxy'));
  });
  server.on('clientError', (error: NodeJS.ErrnoException, socket) => {
    const last = latest.get(socket);
    if (!socket.writable || error.code === 'ECONNRESET') {
      socket.destroy();
      return;
    }
    const problem = toParserError(error);
    if (!last || (last.request.complete && last.response.writableFinished)) {
      end(socket, deps, problem);
    } else if (last.request.complete) {
      // It is the next request that is broken: the answer to the one before comes first.
      last.response.on('close', () => end(socket, deps, problem));
    } else if (last.response.headersSent) {
      socket.destroy();
    } else {
      noteRawStatus(last.response, problem.status);
      write(socket, problem, last.request.url);
    }
  });
}

/**
 * Answers a request whose target is a URL that cannot be parsed (`GET http://[`), and says whether it
 * did: the app's router would answer it by itself, past everything that counts and logs.
 */
export function refuseTarget(
  { url = '' }: IncomingMessage,
  response: ServerResponse,
  deps: Pick<AppDeps, 'metrics'>,
): boolean {
  const isUrl = /^https?:\/\//i.test(url) && URL.canParse(url);
  if (url.startsWith('/') || url === '*' || isUrl) return false;
  const error = new AppError('invalid_request', 'the target of the request is no URL');
  countMalformed(deps, error.status);
  const { type, body } = errorBody(error, '/');
  response.writeHead(error.status, { 'content-type': type }).end(body);
  return true;
}

function toParserError(error: NodeJS.ErrnoException): AppError {
  const [code, message] = parserErrors[error.code ?? ''] ?? [
    'invalid_request',
    'the request is not valid HTTP',
  ];
  return new AppError(code, message, { cause: error });
}

/** Answers a request that the app has not seen, and counts it. */
function end(socket: Duplex, deps: Pick<AppDeps, 'metrics'>, error: AppError): void {
  if (!socket.writable) {
    socket.destroy();
    return;
  }
  countMalformed(deps, error.status);
  write(socket, error);
}

function write(socket: Duplex, error: AppError, url = '/'): void {
  const { type, body } = errorBody(error, url.split('?', 1)[0] ?? url);
  const head = [
    `HTTP/1.1 ${error.status} ${STATUS_CODES[error.status]}`,
    'connection: close',
    `content-type: ${type}`,
    `content-length: ${Buffer.byteLength(body)}`,
  ];
  socket.end(`${head.join('\r\n')}\r\n\r\n${body}`, () => socket.destroy());
}
