import { connect } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';

/** What is sent, piece by piece; a number is a pause in milliseconds. */
export interface HostileRequest {
  readonly name: string;
  readonly parts: readonly (string | Buffer | number)[];
  /** The client leaves when all is sent, without reading. */
  readonly leaves?: boolean;
  /** Answers of status 200 that there must be. */
  readonly answered?: number;
}

const body = JSON.stringify({ text: 'I enjoy solving complex problems alone in the garden.' });
const json = 'content-type: application/json\r\n';
const head = (headers: string, path = '/predict', method = 'POST') =>
  `${method} ${path} HTTP/1.1\r\nhost: x\r\n${headers}\r\n`;
const sized = (content: string | Buffer) =>
  head(`${json}content-length: ${Buffer.byteLength(content)}\r\n`);
const whole = sized(body) + body;
const get = head('', '/info', 'GET');
const chunked = head(`${json}transfer-encoding: chunked\r\n`);
const withBody = (content: string | Buffer) => [sized(content), content];

/** Requests that nobody should send. Every one of them but those marked is refused or cut off. */
export const hostileRequests: readonly HostileRequest[] = [
  { name: 'a chunk size that is no number', parts: [chunked, 'ZZ\r\nabc\r\n'] },
  { name: 'a chunk longer than it says', parts: [chunked, '2\r\nabcdef\r\n0\r\n\r\n'] },
  { name: 'a chunk that never ends', parts: [chunked, 'ff\r\n{"te'], leaves: true },
  { name: 'a chunk size of many digits', parts: [chunked, `${'f'.repeat(40)}\r\n`] },
  { name: 'a body shorter than its length', parts: [sized(`${body}    `), body], leaves: true },
  { name: 'a body longer than its length', parts: [sized(body.slice(5)), body] },
  { name: 'a negative length', parts: [head(`${json}content-length: -5\r\n`), body] },
  { name: 'a length of words', parts: [head(`${json}content-length: lots\r\n`), body] },
  {
    name: 'two lengths',
    parts: [head(`${json}content-length: 5\r\ncontent-length: 6\r\n`), body],
  },
  {
    name: 'a length beside chunks',
    parts: [head(`${json}content-length: 5\r\ntransfer-encoding: chunked\r\n`), '0\r\n\r\n'],
  },
  { name: 'a body that stops half-way', parts: [sized(body), body.slice(0, 9), 60], leaves: true },
  {
    name: 'a body in single bytes',
    parts: [sized(body), ...[...body].flatMap((byte) => [byte, 1])],
    answered: 1,
  },
  { name: 'a client that leaves at once', parts: [whole], leaves: true },
  { name: 'a connection without a byte', parts: [], leaves: true },
  { name: 'pipelined requests', parts: [whole + get + whole + get + whole], answered: 5 },
  { name: 'pipelined requests, and gone', parts: [whole.repeat(20)], leaves: true },
  { name: 'rubbish after a request', parts: [`${whole}\0\u{1}\u{2}rubbish\r\n\r\n`], answered: 1 },
  { name: 'bytes of TLS', parts: [Buffer.from('16030100c8010000c40303ffffffffffffffff', 'hex')] },
  { name: 'NUL bytes', parts: [Buffer.alloc(2000)] },
  { name: 'HTTP/0.9', parts: ['GET /info\r\n\r\n'] },
  { name: 'HTTP/9.9', parts: ['GET /info HTTP/9.9\r\nhost: x\r\n\r\n'] },
  { name: 'a method of its own', parts: [head('', '/predict', 'FROBNICATE')] },
  { name: 'CONNECT', parts: [head('', 'example.org:443', 'CONNECT')] },
  {
    name: 'an upgrade',
    parts: [head('connection: upgrade\r\nupgrade: websocket\r\n', '/', 'GET')],
  },
  { name: 'no Host', parts: ['GET /info HTTP/1.1\r\n\r\n'] },
  { name: 'a path that is no percent-encoding', parts: [head('', '/%zz%', 'GET')] },
  { name: 'a path of 100 kB', parts: [head('', `/${'x'.repeat(100_000)}`, 'GET')] },
  { name: 'headers of 100 kB', parts: [head(`x-a: ${'x'.repeat(100_000)}\r\n`, '/info', 'GET')] },
  { name: 'a thousand headers', parts: [head('x-a: 1\r\n'.repeat(5000), '/info', 'GET')] },
  { name: 'headers that never end', parts: ['GET /info HTTP/1.1\r\nx-a: ', 60], leaves: true },
  { name: 'a header with a NUL', parts: [head('x-a: a\0b\r\n', '/info', 'GET')] },
  { name: 'a header without a colon', parts: [head('nonsense\r\n', '/info', 'GET')] },
  {
    name: 'an expectation',
    parts: [head(`${json}expect: miracles\r\ncontent-length: 2\r\n`), '{}'],
  },
  { name: 'a timeout of words', parts: [head('x-request-timeout-ms: soon\r\n')] },
  { name: 'a body that says gzip', parts: [head(`${json}content-encoding: gzip\r\n`), body] },
  { name: 'invalid UTF-8', parts: withBody(Buffer.from('{"text":"\xff\xfe\xc0"}', 'latin1')) },
  { name: 'JSON of 50,000 brackets', parts: withBody('['.repeat(50_000)) },
  { name: 'JSON with __proto__', parts: withBody('{"__proto__":{"text":"I enjoy books"}}') },
  { name: 'JSON with a key twice', parts: withBody('{"text":"I enjoy it","text":"alone"}') },
  { name: 'a number of 5,000 digits', parts: withBody(`{"text":${'9'.repeat(5000)}}`) },
  { name: 'a lone surrogate', parts: withBody('{"text":"I enjoy \\ud800 books alone"}') },
  { name: 'lines in a text', parts: withBody('{"text":"\\r\\nHTTP/1.1 500 Oops\\r\\n\\r\\n"}') },
];

/** Sends a request over a bare socket; resolves to all that came back. */
export async function sendHostile(
  port: number,
  { parts, leaves = false, answered = 1 }: HostileRequest,
): Promise<string> {
  const socket = connect({ port, host: '127.0.0.1' });
  let read = '';
  socket.on('data', (part) => {
    read += part.toString('latin1');
  });
  // The server may close while more is being sent.
  socket.on('error', () => {});
  const closed = new Promise<void>((resolve) => socket.on('close', () => resolve()));
  for (const part of parts) {
    if (typeof part === 'number') await sleep(part);
    else if (!socket.destroyed) socket.write(part);
  }
  // A client that waits keeps its side open: half-closed connections are cut by Node.
  const end = Date.now() + (leaves ? 0 : 10_000);
  while (!socket.closed && statuses(read).length < answered && Date.now() < end) await sleep(5);
  socket.destroySoon();
  await closed;
  return read;
}

/** The statuses of the answers on a connection. */
export function statuses(read: string): number[] {
  return [...read.matchAll(/HTTP\/1\.1 (\d{3}) /g)]
    .map(([, status]) => Number(status))
    .filter((status) => status >= 200);
}
