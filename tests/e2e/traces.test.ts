import { connect } from 'node:net';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from '@jest/globals';
import { otlpReceiver } from '../support/otlp-receiver.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';
import { writeTinyBundle } from '../support/tiny-bundle.ts';
import { endpoint, post, tracedServer } from '../support/traced-server.ts';
import { until } from '../support/until.ts';

const folder = temporaryFolder();
const bundle = join(folder.path, 'mbti');
const text = 'a quiet evening in the garden, and many plans for a long warm day';
const trace = '4bf92f3577b34da6a3ce929d0e0e4736';
const parent = '00f067aa0ba902b7';

const serve = (...overrides: string[]) => tracedServer(bundle, ...overrides);

beforeAll(() => writeTinyBundle(bundle, { version: 'v1' }));

describe('the traces of a server', () => {
  it('have a span for each request under its caller’s, and below it the phases of each text', async () => {
    const { url, spans } = await otlpReceiver();
    const { server, lines } = await serve(endpoint(url));
    const texts = [text, `${text}, ${text}`];
    const answer = await post(
      `${server.url}/predict`,
      { texts },
      { traceparent: `00-${trace}-${parent}-01`, tracestate: 'vendor=opaque' },
    );
    await until(() => spans.length === 7);
    const [request] = spans.filter(({ kind }) => kind === 2);
    expect(request).toMatchObject({
      name: 'POST /predict',
      traceId: trace,
      parentSpanId: parent,
      traceState: 'vendor=opaque',
      status: 0,
      attributes: {
        'http.request.method': 'POST',
        'http.route': '/predict',
        'http.response.status_code': 200,
        'url.path': '/predict',
        'url.scheme': 'http',
        'mbti.model.name': 'tiny',
        'mbti.model.version': 'v1',
        'mbti.texts': 2,
      },
      resource: { 'service.name': 'mbti-onnx' },
    });
    expect(request?.attributes).not.toHaveProperty(['error.type']);
    expect(answer.traceparent).toEqual(['00', trace, request?.spanId, '01']);
    expect(lines.find(({ message }) => message === 'request')).toMatchObject({ trace_id: trace });
    for (const index of [0, 1]) {
      const phases = spans.filter(({ attributes }) => attributes['mbti.text.index'] === index);
      phases.sort((a, b) => Number(a.start - b.start) || Number(a.end - b.end));
      expect(phases.map(({ name }) => name)).toEqual(['queue', 'tokenize', 'compute']);
      let before = request?.start ?? 0n;
      for (const { start, end, ...span } of phases) {
        expect(span).toMatchObject({ traceId: trace, parentSpanId: request?.spanId, kind: 1 });
        expect(start).toBeGreaterThanOrEqual(before);
        expect(end).toBeGreaterThanOrEqual(start);
        before = end;
      }
      expect(before).toBeLessThanOrEqual(request?.end ?? 0n);
    }
    const computed = spans.filter(({ name }) => name === 'compute');
    const tokens = computed.map(({ attributes }) => Number(attributes['mbti.text.tokens']));
    expect(tokens[1]).toBeGreaterThan(tokens[0] ?? 0);
    expect(request?.attributes['mbti.tokens']).toBe((tokens[0] ?? 0) + (tokens[1] ?? 0));
    expect(computed[0]?.attributes).toMatchObject({
      'mbti.engine.pid': server.workers()[0],
      'mbti.text.windows': 1,
      'mbti.text.truncated': false,
    });
  });

  it('tell what failed, and nothing of what was sent', async () => {
    const { url, spans, text: received } = await otlpReceiver();
    const { server } = await serve(endpoint(url), 'queue.max_depth=1');
    const started = Date.now();
    const requests: readonly [Promise<unknown>, number][] = [
      [post(`${server.url}/predict`, { text: 'bonsai' }), 400],
      [post(`${server.url}/predict`, { text: `bonsai ${text}` }), 200],
      [fetch(`${server.url}/predict?text=bonsai`), 405],
      [fetch(`${server.url}/nowhere/42?text=bonsai`), 404],
      [fetch(`${server.url}/explain`, { method: 'PROPFIND' }), 405],
      [post(`${server.url}/v2/models/bonsai-model/infer`, {}), 404],
    ];
    await Promise.all(requests.map(([answer]) => answer));
    await until(() => spans.filter(({ kind }) => kind === 2).length === requests.length);
    const told = spans
      .filter(({ kind }) => kind === 2)
      .map(({ name, status, attributes: a }) => [
        name,
        a['http.route'],
        a['http.response.status_code'],
        a['error.type'],
        status,
      ]);
    expect(told).toHaveLength(6);
    expect(told).toEqual(
      expect.arrayContaining([
        ['POST /predict', '/predict', 400, 'text_too_short', 0],
        ['POST /predict', '/predict', 200, undefined, 0],
        ['GET /predict', '/predict', 405, 'method_not_allowed', 0],
        ['GET', undefined, 404, 'not_found', 0],
        ['HTTP /explain', '/explain', 405, 'method_not_allowed', 0],
        ['POST /v2/models/{model}/infer', '/v2/models/{model}/infer', 404, 'not_found', 0],
      ]),
    );
    // A model's name is part of the path; a text is nowhere.
    expect(received().replaceAll('bonsai-model', '')).not.toContain('bonsai');
    for (const { start } of spans) {
      expect(Number(start / 1_000_000n)).toBeGreaterThanOrEqual(started - 1);
    }
  });

  it('mark what the server could not answer as an error', async () => {
    const { url, spans } = await otlpReceiver();
    const { server } = await serve(endpoint(url));
    const long = { texts: Array.from({ length: 120 }, (_, i) => `${text} ${i} `.repeat(20)) };
    const left = new AbortController();
    const leaving = fetch(`${server.url}/predict`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(long),
      signal: left.signal,
    });
    await until(async () => /mbti_queue_depth [1-9]/.test(await metricsOf(server)));
    left.abort();
    await expect(leaving).rejects.toThrow();
    // That the client is gone takes a moment to show.
    await until(async () => /mbti_queue_depth 0/.test(await metricsOf(server)));
    // Two engines die of it: there is one, and the next.
    const answer = post(`${server.url}/predict`, long);
    for (let deaths = 0; deaths < 2; deaths += 1) {
      await until(async () => /mbti_queue_depth [1-9]/.test(await metricsOf(server)));
      await until(() => server.workers().length === 1);
      const [pid = 0] = server.workers();
      process.kill(pid, 'SIGKILL');
      await until(() => !server.workers().includes(pid));
    }
    expect((await answer).status).toBe(503);
    const predictions = () => spans.filter(({ name }) => name === 'POST /predict');
    await until(() => predictions().length === 2);
    const [gone, failed] = predictions();
    expect(gone).toMatchObject({ status: 0, attributes: { 'error.type': 'client_closed' } });
    expect(gone?.attributes).not.toHaveProperty(['http.response.status_code']);
    expect(failed).toMatchObject({
      status: 2,
      attributes: { 'error.type': 'engine_failed', 'http.response.status_code': 503 },
    });
  });

  it('keep a request’s path, cut, and neither its query nor its credentials', async () => {
    const { url, spans } = await otlpReceiver();
    const { server } = await serve(endpoint(url));
    const targets = ['http://user:pass@host/p?q=1', '//', '/%ff', '*', `/${'x'.repeat(2_000)}`];
    for (const target of targets) {
      await new Promise<void>((resolve) => {
        const socket = connect({ port: server.port, host: '127.0.0.1' }, () =>
          socket.end(`GET ${target} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n`),
        );
        socket.resume().on('close', () => resolve());
      });
    }
    await until(() => spans.length === 5);
    const told = spans.map(({ name, attributes }) => [name, attributes['url.path']]);
    const paths = ['/p', '//', '/%ff', '*', `/${'x'.repeat(255)}`];
    expect(told).toEqual(paths.map((path) => ['GET', path]));
  });
});

async function metricsOf({ url }: { readonly url: string }): Promise<string> {
  return (await fetch(`${url}/metrics`)).text();
}

describe('probes and scrapes', () => {
  it('have no span, whatever their caller says, and their answers say so', async () => {
    const { url, spans } = await otlpReceiver();
    const { server } = await serve(endpoint(url));
    const headers = { traceparent: `00-${trace}-${parent}-01` };
    for (const path of [
      '/health',
      '/health/live',
      '/health/ready',
      '/v2/models/tiny/ready',
      '/metrics',
    ]) {
      const answer = await fetch(server.url + path, { headers });
      expect(answer.headers.get('traceparent')).toMatch(new RegExp(`^00-${trace}-.{16}-00$`));
    }
    await fetch(`${server.url}/info`, { headers });
    await until(() => spans.length > 0);
    expect(spans.map(({ name }) => name)).toEqual(['GET /info']);
  });
});

describe('sampling', () => {
  it('of 0 exports no trace that begins here, and the callers’ as they say', async () => {
    const { url, spans } = await otlpReceiver();
    const { server, stop } = await serve(endpoint(url), 'telemetry.traces.sample_ratio=0');
    const predict = (header?: string) =>
      post(`${server.url}/predict`, { text }, header ? { traceparent: header } : {});
    expect((await predict()).traceparent[3]).toBe('02');
    expect((await predict(`00-${trace}-${parent}-00`)).traceparent).toMatchObject({ 3: '00' });
    expect((await predict(`00-${trace}-${parent}-01`)).traceparent).toMatchObject({ 3: '01' });
    await stop();
    expect(spans.map(({ name }) => name).sort()).toEqual([
      'POST /predict',
      'compute',
      'queue',
      'tokenize',
    ]);
  });

  it('by OTEL_TRACES_SAMPLER=traceidratio asks no caller', async () => {
    process.env.OTEL_TRACES_SAMPLER = 'traceidratio';
    process.env.OTEL_TRACES_SAMPLER_ARG = '0';
    const { url, spans } = await otlpReceiver();
    const { server, stop } = await serve(endpoint(url));
    const asked = { traceparent: `00-${trace}-${parent}-01` };
    const { traceparent } = await post(`${server.url}/predict`, { text }, asked);
    expect(traceparent).toMatchObject({ 1: trace, 3: '00' });
    await stop();
    expect(spans).toEqual([]);
  });

  it('is decided for a whole trace, and told in the answer', async () => {
    const { url, spans } = await otlpReceiver();
    const { server, stop } = await serve(endpoint(url), 'telemetry.traces.sample_ratio=0.5');
    const answers = [];
    for (let i = 0; i < 40; i += 1) answers.push(await post(`${server.url}/predict`, { text }));
    await stop();
    const sampled = answers.filter(({ traceparent }) => traceparent[3] === '03');
    const exported = spans.filter(({ kind }) => kind === 2).map(({ traceId }) => traceId);
    expect(exported).toEqual(sampled.map(({ traceparent }) => traceparent[1]));
    expect(spans).toHaveLength(exported.length * 4);
    // By chance alone none or all are once in 5 · 10^11 runs.
    expect(exported.length).toBeGreaterThan(0);
    expect(exported.length).toBeLessThan(40);
  });
});
