import type { Server, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';

/** Milliseconds until a client that sends no more is looked for; each time twice as long, up to the last. */
const FIRST_LOOK_MS = 100;
const LAST_LOOK_MS = 2_000;

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
      lookFor(socket, responses, FIRST_LOOK_MS);
    });
  });
}

function lookFor(socket: Socket, responses: ReadonlySet<ServerResponse>, delayMs: number): void {
  const look = () => {
    // Requests of one connection are answered in order: what is written to the others waits.
    const [front] = responses;
    if (socket.destroyed || !front) return;
    // HTTP/1.0 knows no interim answers.
    if (!front.headersSent && front.req.httpVersionMinor > 0) front.writeContinue();
    lookFor(socket, responses, Math.min(2 * delayMs, LAST_LOOK_MS));
  };
  if (responses.size > 0) setTimeout(look, delayMs).unref();
}
