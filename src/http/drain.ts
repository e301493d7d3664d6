import type { Server, ServerResponse } from 'node:http';

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
