import type { Server, ServerResponse } from 'node:http';
import { setImmediate as nextTurn } from 'node:timers/promises';

/** Turns of the event loop without a new connection after which none is taken to wait. */
const QUIET_TURNS = 3;
/** More than a listen backlog holds; clients that never pause must not keep a server from stopping. */
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
 * Resolves once the connections that wait in the listen backlog are accepted. libuv (from 1.46 on)
 * accepts one in each turn of the event loop, and closing a listener resets those that still wait.
 */
export async function acceptWaiting(server: Server): Promise<void> {
  let quiet = 0;
  const onConnection = () => {
    quiet = 0;
  };
  server.on('connection', onConnection);
  for (let turn = 0; turn < MOST_TURNS && quiet < QUIET_TURNS; turn += 1) {
    quiet += 1;
    await nextTurn();
  }
  server.off('connection', onConnection);
}
