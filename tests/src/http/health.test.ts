import { createServer } from 'node:net';
import { describe, expect, it } from '@jest/globals';
import request from 'supertest';
import { createHttpServer, listen } from '../../../src/http/index.ts';
import { packageVersion } from '../../../src/package-root.ts';
import { Metrics } from '../../../src/telemetry/index.ts';
import { testModel, testServer } from '../../support/http-server.ts';

describe('health', () => {
  it.each([
    ['starting', 503],
    ['ok', 200],
    ['unavailable', 503],
    ['draining', 503],
  ] as const)('a server that is %s answers readiness with %i, and lives', async (state, status) => {
    const { url, lifecycle } = await testServer();
    lifecycle.state = state;
    const ready = await request(url).get('/health/ready');
    expect(ready.status).toBe(status);
    if (status === 503) {
      expect(ready.body.code).toBe('not_ready');
      expect(Number(ready.headers['retry-after'])).toBeGreaterThanOrEqual(1);
    }
    expect((await request(url).get('/health/live')).status).toBe(200);
    const health = await request(url).get('/health');
    expect(health.body).toMatchObject({
      status: state,
      ready: status === 200,
      workers: 2,
      queue_depth: 0,
    });
  });
});

describe('GET /info', () => {
  it('says what is served and what may be asked', async () => {
    const { url } = await testServer();
    const { body } = await request(url).get('/info');
    expect(body.version).toBe(packageVersion);
    const model = { name: 'tiny', version: 'abc', precision: 'fp32', max_length: 64 };
    expect(body.model).toEqual({ ...model, explains: false });
    const { limits } = body;
    expect(limits.minimum_text_length).toBe(10);
    const { name: task, ...asked } = body.task;
    expect(body.models).toEqual([
      { ...model, explains: false, default: true, state: 'ok', task, ...asked, limits },
    ]);
    expect(body.task.axes[0]).toEqual({ name: 'E/I', labels: ['E', 'I'], threshold: 0.5 });
    expect(body.limits).toMatchObject({ max_texts: 4, max_body_bytes: 10_000, timeout_ms: 10_000 });
  });
});

describe('request ids', () => {
  it('echoes an id that is harmless and makes one otherwise', async () => {
    const { url } = await testServer();
    const idFor = async (id: string) =>
      (await request(url).get('/info').set('x-request-id', id)).headers['x-request-id'];
    expect(await idFor('order-17.a_b')).toBe('order-17.a_b');
    expect(await idFor('"}{"level":"error"')).toMatch(/^[0-9a-f-]{36}$/);
    expect(await idFor('x'.repeat(200))).toMatch(/^[0-9a-f-]{36}$/);
  });
});

describe('GET /info of a bundle whose 8-bit file is not int8', () => {
  it('says how its weights are rounded', async () => {
    const model = { ...testModel, precision: 'int8', scheme: 'weight8' };
    const { url } = await testServer({ model });
    const { body } = await request(url).get('/info');
    expect(body.model).toMatchObject({ precision: 'int8', scheme: 'weight8' });
    expect(body.models[0]).toMatchObject({ precision: 'int8', scheme: 'weight8' });
  });
});

describe('listen', () => {
  it('says so when the port is in use', async () => {
    const busy = createServer();
    const port = await new Promise<number>((resolve) => {
      busy.listen(0, '127.0.0.1', () => resolve((busy.address() as { port: number }).port));
    });
    const metrics = new Metrics({
      model: { name: 'm', version: 'v', precision: 'fp32', axes: [] },
      rejections: [],
    });
    const { server } = createHttpServer(() => {}, { metrics });
    const error = await listen(server, '127.0.0.1', port).catch((thrown) => thrown);
    expect(error).toMatchObject({ code: 'port_unavailable', exitCode: 1 });
    expect(error.message).toMatch(new RegExp(`port ${port} .*in use`));
    expect(error.cause).toMatchObject({ code: 'EADDRINUSE' });
    busy.close();
  });
});
