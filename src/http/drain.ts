import type { Server, ServerResponse } from 'node:http';
import { setImmediate as nextTurn, setTimeout as sleep } from 'node:timers/promises';

/** Milliseconds without a new connection after which no more are expected. */
const QUIET_MS = 50;
/** Clients that never pause must not keep a server from stopping for longer. */
const MOST_MS = 2_000;
/** Turns of the event loop that find no connection, one after the other, before the listener is closed. */
const QUIET_TURNS = 3;
/** A turn that takes longer leaves time in which another connection may have come. */
const SHORT_TURN_MS = 0.5;
const MOST_TURNS = 2_000;

/**
 * Watches a server's answers. The function that it gives back makes every answer from then on, those
 * in flight included, the last one of its connection: clients reconnect elsewhere, and no connection
 * has to be closed under a request that is just being sent.
 */
export function drainable(server: Server): () => void {
  const open = new Set<ServerResponse>();
  let isDraining = false;
  const closeAfter = (response: ServerResponse) => {
    if (!response.headersSent) response.setHeader('connection', 'close');
  };
  server.prependListener('request', (_request, response) => {
    if (isDraining) closeAfter(response);
    open.add(response);
    response.on('close', () => open.delete(response));
  });
  return () => {
    isDraining = true;
    for (const response of open) closeAfter(response);
  };
}

/**
 * Resolves once the connections that wait in the listen backlog are accepted and no more come: closing
 * a listener resets those that still wait. libuv (from 1.46 on) accepts one in each turn of the event
 * loop, and what comes while a turn does its work shows in the next one. So the caller has to close the
 * listener at once, while the last turn is still short.
 */
export async function acceptWaiting(server: Server): Promise<void> {
  let latest = performance.now();
  const onConnection = () => {
    latest = performance.now();
  };
  server.on('connection', onConnection);
  const end = latest + MOST_MS;
  for (let now = latest; now < latest + QUIET_MS && now < end; now = performance.now()) {
    await sleep(QUIET_MS / 10);
  }
  let quiet = 0;
  for (let turn = 0; turn < MOST_TURNS && quiet < QUIET_TURNS; turn += 1) {
    const begun = performance.now();
    await nextTurn();
    const isQuiet = latest < begun && performance.now() - begun < SHORT_TURN_MS;
    quiet = isQuiet ? quiet + 1 : 0;
  }
  server.off('connection', onConnection);
}
