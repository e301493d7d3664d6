import { describe, expect, it } from '@jest/globals';
import { acceptWaiting } from '../../../src/http/index.ts';
import { testServer } from '../../support/http-server.ts';
import { sendRaw } from '../../support/raw-http.ts';

describe('acceptWaiting', () => {
  it('lets a server that stops answer the connections that were still in its backlog', async () => {
    const { server, port, drain } = await testServer();
    // Connected by the kernel at once, while the event loop has accepted none of them.
    const answers = Array.from({ length: 20 }, () =>
      sendRaw(port, ['GET /health/live HTTP/1.1\r\nhost: x\r\n\r\n'], 3000),
    );
    drain();
    await acceptWaiting(server);
    server.close();
    for (const answer of await Promise.all(answers)) expect(answer).toMatch(/^HTTP\/1\.1 200 /);
  });
});
