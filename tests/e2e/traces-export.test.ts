import { join } from 'node:path';
import { beforeAll, describe, expect, it } from '@jest/globals';
import { otlpReceiver } from '../support/otlp-receiver.ts';
import { serveProcess } from '../support/serve-process.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';
import { writeTinyBundle } from '../support/tiny-bundle.ts';
import { endpoint, post, tracedServer } from '../support/traced-server.ts';
import { until } from '../support/until.ts';

const folder = temporaryFolder();
const bundle = join(folder.path, 'mbti');
const text = 'a quiet evening in the garden, and many plans for a long warm day';
const serve = (...overrides: string[]) => tracedServer(bundle, ...overrides);

beforeAll(() => writeTinyBundle(bundle));

describe('OpenTelemetry’s variables', () => {
  it('say where traces go and whose they are, and give way to the configuration', async () => {
    const { url, spans, requests } = await otlpReceiver();
    process.env.OTEL_EXPORTER_OTLP_ENDPOINT = new URL(url).origin;
    process.env.OTEL_EXPORTER_OTLP_HEADERS = 'authorization=Bearer%20one,x-team=env';
    process.env.OTEL_SERVICE_NAME = 'from-env';
    process.env.OTEL_RESOURCE_ATTRIBUTES = 'deployment.environment.name=test';
    const { server } = await serve('telemetry.traces.headers=["x-team=config, a=b"]');
    await post(`${server.url}/predict`, { text });
    await until(() => spans.length === 4);
    expect(requests[0]).toMatchObject({
      path: 'POST /v1/traces',
      headers: { authorization: 'Bearer one', 'x-team': 'config, a=b' },
    });
    expect(spans[0]?.resource).toMatchObject({
      'service.name': 'from-env',
      'deployment.environment.name': 'test',
    });
    const other = await otlpReceiver();
    const named = await serve(endpoint(other.url), 'telemetry.traces.service_name=from-config');
    await fetch(`${named.server.url}/info`);
    await until(() => other.spans.length === 1);
    expect(other.spans[0]?.resource).toMatchObject({ 'service.name': 'from-config' });
  });
});

describe('a collector', () => {
  it('that is down fails no request, and is mentioned in the log once', async () => {
    process.env.OTEL_EXPORTER_OTLP_TIMEOUT = '100';
    const { server, lines, stop } = await serve(endpoint('http://127.0.0.1:9/v1/traces'));
    const warnings = () => lines.filter(({ level }) => level === 'warn');
    for (let i = 0; i < 10; i += 1) {
      expect((await post(`${server.url}/predict`, { text })).status).toBe(200);
    }
    await until(() => warnings().length > 0);
    expect((await post(`${server.url}/predict`, { text })).status).toBe(200);
    await stop();
    expect(warnings()).toHaveLength(1);
    expect(warnings()[0]).toMatchObject({
      message: 'traces cannot be exported',
      reason: expect.stringContaining('ECONNREFUSED'),
    });
  });

  it('that never answers holds up no request, nor the end of the server', async () => {
    // Longer than the server waits at its end, and short enough for the test to be over.
    process.env.OTEL_EXPORTER_OTLP_TIMEOUT = '2500';
    const { url, requests } = await otlpReceiver(() => {});
    const { server, stop } = await serve(endpoint(url));
    expect((await post(`${server.url}/predict`, { text })).status).toBe(200);
    await until(() => requests.length === 1);
    expect((await post(`${server.url}/predict`, { text })).status).toBe(200);
    await stop();
  });

  it('gets the last spans of a server that is told to end', async () => {
    const { url, spans } = await otlpReceiver();
    const server = await serveProcess('--model', bundle, '--workers', '1', endpoint(url));
    await post(`${server.url}/predict`, { text });
    server.child.kill('SIGTERM');
    expect(await server.ended).toBe(0);
    expect(spans.map(({ name }) => name).sort()).toEqual([
      'POST /predict',
      'compute',
      'queue',
      'tokenize',
    ]);
  });
});
