import { connect, type Socket } from 'node:net';
import { describe, expect, it } from '@jest/globals';
import { total } from '../../support/exposition.ts';
import { testServer } from '../../support/http-server.ts';
import { until } from '../../support/until.ts';

const text = 'I enjoy solving complex problems alone.';

function predict(version = '1.1'): string {
  const body = JSON.stringify({ text });
  const head = `POST /predict HTTP/${version}\r\nhost: x\r\ncontent-type: application/json\r\n`;
  return `${head}content-length: ${body.length}\r\n\r\n${body}`;
}

/** Everything that a client reads which sends this and then closes its side, until the server closes too. */
function halfClosing(port: number, sent: string): { socket: Socket; read: Promise<string> } {
  const socket = connect({ port, host: '127.0.0.1', allowHalfOpen: true });
  socket.end(sent);
  let read = '';
  socket.on('data', (part) => {
    read += part.toString();
  });
  const all = new Promise<string>((resolve, reject) => {
    socket.on('error', reject);
    socket.on('close', () => resolve(read));
  });
  return { socket, read: all };
}

describe('a client that closes its side after its request', () => {
  it('gets its answer', async () => {
    const { port } = await testServer();
    const read = await halfClosing(port, predict()).read;
    expect(read).toMatch(/^HTTP\/1\.1 200 .*"mbti_type"/s);
  });

  it('gets the answers of all that it has sent', async () => {
    const { port } = await testServer();
    const read = await halfClosing(port, predict() + predict()).read;
    expect(read.match(/HTTP\/1\.1 200 /g)).toHaveLength(2);
    expect(read.match(/"mbti_type"/g)).toHaveLength(2);
  });

  it('gets an answer that takes a while after interim ones', async () => {
    const { port, fakes } = await testServer({ engines: 1 });
    fakes.auto = false;
    const { socket, read } = halfClosing(port, predict());
    await until(() => socket.bytesRead > 0);
    fakes.running[0]?.finish();
    expect(await read).toMatch(
      /^(HTTP\/1\.1 100 Continue\r\n\r\n)+HTTP\/1\.1 200 .*\r\nConnection: close\r\n.*"mbti_type"/s,
    );
  });

  it('of HTTP/1.0 gets its answer alone', async () => {
    const { port, fakes } = await testServer({ engines: 1 });
    fakes.auto = false;
    const { read } = halfClosing(port, predict('1.0'));
    await until(() => fakes.running.length === 1);
    await new Promise((resolve) => setTimeout(resolve, 250));
    fakes.running[0]?.finish();
    expect(await read).toMatch(/^HTTP\/1\.1 200 .*"mbti_type"/s);
  });

  it('in the middle of it is told so', async () => {
    const { port } = await testServer();
    expect(await halfClosing(port, predict().slice(0, -5)).read).toMatch(/^HTTP\/1\.1 400 /);
    expect(await halfClosing(port, 'POST /predict HTTP/1.1\r\nhost').read).toMatch(
      /^HTTP\/1\.1 400 /,
    );
  });

  it('without a request gets none', async () => {
    const { port } = await testServer();
    expect(await halfClosing(port, '').read).toBe('');
  });
});

describe('a client that is gone', () => {
  it.each(['destroy', 'resetAndDestroy'] as const)(
    'after a %s has its texts taken out of the queue',
    async (leave) => {
      const { port, fakes, scheduler, metrics } = await testServer({ engines: 1 });
      fakes.auto = false;
      const sockets = [0, 1].map(() => {
        const socket = connect({ port, host: '127.0.0.1' }).on('error', () => {});
        socket.write(predict());
        return socket;
      });
      await until(() => fakes.running.length === 1 && scheduler.depth === 1);
      for (const socket of sockets) socket[leave]();
      await until(() => scheduler.depth === 0);
      await until(
        async () => total(await metrics.exposition(), 'mbti_requests_total', 'status="499"') === 2,
      );
      fakes.running[0]?.finish();
      expect(fakes.begun).toHaveLength(1);
    },
  );

  it('after closing its side first is noticed as well', async () => {
    const { port, fakes, scheduler } = await testServer({ engines: 1 });
    fakes.auto = false;
    const clients = [0, 1].map(() => halfClosing(port, predict()));
    await until(() => scheduler.depth === 1);
    for (const { socket } of clients) socket.destroy();
    await until(() => scheduler.depth === 0);
    expect(fakes.begun).toHaveLength(1);
  });
});
