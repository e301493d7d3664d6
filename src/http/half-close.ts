import type { Server, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';

/**
 * Milliseconds until a client that sends no more is looked for, and from each look to the next; the last is
 * repeated. Most answers are there before the first. What a look finds is noticed at the next write, so the
 * second one comes soon.
 */
const LOOKS_MS = [500, 100, 1_000] as const;

/**
 * Answers clients that close their own side once their request is sent: they still read. One that is gone
 * says the same (FIN), and only writing tells: its system resets the connection. So as long as the answer
 * is not there, an interim 100 is written now and then, which clients read past (RFC 9110, 15.2).
 * A reset closes the response, and that takes its texts out of the queue.
 */
export function answerHalfClosed(server: Server): void {
  // Node's own switch; it is in no type. Without it the server's side is closed with the client's.
  Object.assign(server, { httpAllowHalfOpen: true });
  const open = new WeakMap<Socket, Set<ServerResponse>>();
  server.prependListener('request', ({ socket }, response) => {
    const responses = open.get(socket) ?? new Set();
    open.set(socket, responses.add(response));
    response.on('close', () => responses.delete(response));
  });
  server.on('connection', (socket) => {
    socket.on('end', () => {
      const responses = open.get(socket) ?? new Set();
      const last = [...responses].at(-1);
      if (last) last.shouldKeepAlive = false;
      lookFor(socket, responses, 0);
    });
  });
}

function lookFor(socket: Socket, responses: ReadonlySet<ServerResponse>, looks: number): void {
  const delayMs = LOOKS_MS[looks] ?? LOOKS_MS[2];
  const look = () => {
    // Requests of one connection are answered in order: what is written to the others waits.
    const [front] = responses;
    if (socket.destroyed || !front) return;
    // HTTP/1.0 knows no interim answers.
    if (!front.headersSent && front.req.httpVersionMinor > 0) front.writeContinue();
    lookFor(socket, responses, looks + 1);
  };
  if (responses.size > 0) setTimeout(look, delayMs).unref();
}
