import type { Server, ServerResponse } from 'node:http';
import { Server as NetServer, type Socket } from 'node:net';
import { setImmediate as nextTurn, setTimeout as sleep } from 'node:timers/promises';

/** Milliseconds without a new connection after which no more are expected. */
const QUIET_MS = 50;
/** Turns of the event loop without one after which none waits. */
const QUIET_TURNS = 5;
/** A last turn that takes longer leaves time in which another connection may have come. */
const SHORT_TURN_MS = 0.5;
/** Clients that never pause keep a server from stopping for so long: then quiet turns are enough. */
const PATIENCE_MS = 1_000;
/** However it goes. */
const MOST_MS = 2_000;

export interface Draining {
  /**
   * Makes every answer from then on, those in flight included, the last one of its connection: clients
   * reconnect elsewhere, and no connection has to be closed under a request that is just being sent.
   */
  readonly drain: () => void;
  /** Resolves once no new connection is taken; those that there are go on. */
  readonly stopListening: () => Promise<void>;
}

/** Watches a server's connections and answers, so that it can stop without cutting one off. */
export function drainable(server: Server): Draining {
  const connections = new Set<Socket>();
  const open = new Set<ServerResponse>();
  let isDraining = false;
  const closeAfter = (response: ServerResponse) => {
    if (!response.headersSent) response.setHeader('connection', 'close');
  };
  server.on('connection', (socket) => {
    connections.add(socket);
    socket.on('close', () => connections.delete(socket));
  });
  server.prependListener('request', (_request, response) => {
    if (isDraining) closeAfter(response);
    open.add(response);
    response.on('close', () => open.delete(response));
  });
  return {
    drain: () => {
      isDraining = true;
      for (const response of open) closeAfter(response);
    },
    stopListening: () => stopListening(server, connections),
  };
}

/**
 * Closing a listener resets the connections that still wait in its backlog. So they are taken first, and
 * answers are held back meanwhile, as whoever gets one may come again.
 */
async function stopListening(server: Server, connections: ReadonlySet<Socket>): Promise<void> {
  const held = new Set<Socket>();
  const hold = (socket: Socket) => {
    socket.cork();
    held.add(socket);
  };
  for (const socket of connections) hold(socket);
  server.on('connection', hold);
  await noMoreComing(server);
  // Not the HTTP server's own: that destroys connections whose answer is written and not yet sent.
  NetServer.prototype.close.call(server);
  server.off('connection', hold);
  for (const socket of held) socket.uncork();
  // What was held is on its way before anything else is closed.
  await nextTurn();
}

/**
 * Resolves when no connection waits. libuv (from 1.46 on) accepts one in each turn of the event loop, and what
 * comes while a turn does its work shows in the next one.
 */
async function noMoreComing(server: Server): Promise<void> {
  const begun = performance.now();
  let latest = begun;
  let quietTurns = 0;
  const onConnection = () => {
    latest = performance.now();
    quietTurns = -1;
  };
  server.on('connection', onConnection);
  for (let now = begun; now - begun < MOST_MS; ) {
    await nextTurn();
    const turnMs = performance.now() - now;
    now += turnMs;
    quietTurns += 1;
    const isPatient = now - begun < PATIENCE_MS;
    const isLong = now - latest < QUIET_MS || turnMs > SHORT_TURN_MS;
    if (quietTurns >= QUIET_TURNS && !(isPatient && isLong)) break;
    if (isPatient && now - latest < QUIET_MS && quietTurns > QUIET_TURNS) {
      await sleep(QUIET_MS / 10);
      now = performance.now();
    }
  }
  server.off('connection', onConnection);
}
