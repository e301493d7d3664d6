import { setImmediate as nextTurn } from 'node:timers/promises';
import { describe, expect, it } from '@jest/globals';
import { testServer } from '../../support/http-server.ts';
import { sendRaw } from '../../support/raw-http.ts';

describe('a server that stops listening', () => {
  it('answers the connections that were still in its backlog', async () => {
    const { port, drain, stopListening } = await testServer();
    // Connected by the kernel at once, while the event loop has accepted none of them.
    const answers = Array.from({ length: 20 }, () =>
      sendRaw(port, ['GET /health/live HTTP/1.1\r\nhost: x\r\n\r\n'], 3000),
    );
    drain();
    await stopListening();
    for (const answer of await Promise.all(answers)) expect(answer).toMatch(/^HTTP\/1\.1 200 /);
  });

  it('waits for connections that come one after the other', async () => {
    const { port, drain, stopListening } = await testServer();
    const answers: Promise<string>[] = [];
    const coming = (async () => {
      for (let i = 0; i < 20; i += 1) {
        for (let turn = 0; turn < 3; turn += 1) await nextTurn();
        answers.push(sendRaw(port, ['GET /health/live HTTP/1.1\r\nhost: x\r\n\r\n'], 3000));
      }
    })();
    drain();
    await stopListening();
    await coming;
    expect(answers).toHaveLength(20);
    for (const answer of await Promise.all(answers)) expect(answer).toMatch(/^HTTP\/1\.1 200 /);
  });
});
