import { describe, expect, it } from '@jest/globals';
import type { Access } from '../../../src/http/deps.ts';
import { samples, total } from '../../support/exposition.ts';
import { testModel, testServer } from '../../support/http-server.ts';
import { sendRaw } from '../../support/raw-http.ts';
import { until } from '../../support/until.ts';

const text = 'I enjoy solving complex problems alone.';
const infer = '/v2/models/tiny/infer';
const inferBody = { inputs: [{ name: 'text', shape: [1], datatype: 'BYTES', data: [text] }] };

/** A caller whose key predicts, one whose key does nothing else, and one that is over its limit. */
const access: Access = {
  keys: {
    find: (token) =>
      token === 'unknown'
        ? undefined
        : { name: token, sha256: Buffer.alloc(32), scopes: new Set(['predict'] as const) },
  },
  rateLimiter: { take: (caller) => (caller === 'key greedy' ? 7 : 0) },
};

interface Step {
  readonly path: string;
  readonly body?: unknown;
  readonly method?: string;
  readonly headers?: Record<string, string>;
  /** What it is answered with, and the route that it is counted under. */
  readonly status: number;
  readonly route?: string;
}

const authorization = 'Bearer friend';
const post = (path: string, body: unknown, status: number, headers = {}): Step => ({
  path,
  method: 'POST',
  body: typeof body === 'string' ? body : JSON.stringify(body),
  headers: { 'content-type': 'application/json', authorization, ...headers },
  status,
});
const get = (path: string, status: number, route = path, method = 'GET'): Step => ({
  path,
  method,
  status,
  route,
});

const texts = (count: number) => ({ texts: new Array(count).fill(text) });

/** One request after the other, each answered before the next one. */
const script: readonly Step[] = [
  post('/predict', { text }, 200),
  post('/predict', texts(3), 200),
  post('/explain', { text }, 200),
  { ...post(infer, inferBody, 200), route: '/v2/models/{model}/infer' },
  post('/predict', { text: 'short' }, 400),
  post('/predict', '{', 400),
  post('/predict', { text }, 401, { authorization: 'Bearer unknown' }),
  post('/predict', { text }, 401, { authorization: 'Basic eA==' }),
  {
    ...post('/v2/repository/models/tiny/load', {}, 403),
    route: '/v2/repository/models/{model}/load',
  },
  post('/predict', 'x'.repeat(10_001), 413),
  post('/predict', { text }, 415, { 'content-type': 'text/plain' }),
  post('/predict', { text }, 429, { authorization: 'Bearer greedy' }),
  post('/explain', { text }, 429, { authorization: 'Bearer greedy' }),
  { ...post('/predict/', { text }, 404), route: 'unmatched' },
  get('/nowhere', 404, 'unmatched'),
  get('/elsewhere', 404, 'unmatched'),
  get('/predict', 405),
  { ...get('/health', 405), method: 'DELETE' },
  get('/info', 200),
  get('/info?x=1', 400, '/info'),
  get('/health/live', 200, '/health/live', 'HEAD'),
  get('/metrics', 200),
];

/** The series of one metric that are not 0. */
function counted(exposition: string, metric: string): Record<string, number> {
  const found = [...samples(exposition)].filter(
    ([series, value]) => series.startsWith(`${metric}{`) && value !== 0,
  );
  return Object.fromEntries(found.map(([series, value]) => [series.slice(metric.length), value]));
}

function expectedRequests(steps: readonly Step[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const { path, method = 'GET', status, route = path } of steps) {
    const series = `{route="${route}",method="${method}",status="${status}"}`;
    counts[series] = (counts[series] ?? 0) + 1;
  }
  return counts;
}

describe('a script of requests', () => {
  it('is counted as it was answered, each request once, in seconds below the time that it took', async () => {
    const model = { ...testModel, explains: true };
    const { url, metrics } = await testServer({ model, access });
    const begun = performance.now();
    for (const { path, method = 'GET', body, headers = {}, status } of script) {
      const init = { method, headers, ...(typeof body === 'string' ? { body } : {}) };
      const answer = await fetch(url + path, init);
      await answer.arrayBuffer();
      expect([method, path, answer.status]).toEqual([method, path, status]);
    }
    let exposition = '';
    const all = async () => {
      exposition = await metrics.exposition();
      return total(exposition, 'mbti_requests_total') >= script.length;
    };
    await until(all);
    const seconds = (performance.now() - begun) / 1000;

    expect(counted(exposition, 'mbti_requests_total')).toEqual(expectedRequests(script));
    const byRoute: Record<string, number> = {};
    for (const { path, route = path } of script) {
      byRoute[`{route="${route}"}`] = (byRoute[`{route="${route}"}`] ?? 0) + 1;
    }
    expect(counted(exposition, 'mbti_request_duration_seconds_count')).toEqual(byRoute);
    const sum = total(exposition, 'mbti_request_duration_seconds_sum');
    expect(sum).toBeGreaterThan(0);
    expect(sum).toBeLessThan(seconds);

    // Six texts were scored, each of them a millisecond of tokenizing and two of computing.
    const phase = (name: string, what: string) =>
      samples(exposition).get(`mbti_phase_duration_seconds_${what}{phase="${name}"}`);
    expect(phase('tokenize', 'sum')).toBeCloseTo(6 * 0.001, 12);
    expect(phase('compute', 'sum')).toBeCloseTo(6 * 0.002, 12);
    expect(phase('queue', 'sum')).toBeLessThan(6 * seconds);
    for (const name of ['tokenize', 'compute', 'queue']) expect(phase(name, 'count')).toBe(6);
    expect(total(exposition, 'mbti_tokens_total')).toBe(6 * text.length);
    expect(total(exposition, 'mbti_predictions_total')).toBe(6 * 4);
    expect(total(exposition, 'mbti_prediction_confidence_count')).toBe(6 * 4);
    expect(counted(exposition, 'mbti_queue_rejected_total')).toEqual({
      '{reason="rate_limit"}': 2,
    });
    expect(total(exposition, 'mbti_queue_depth')).toBe(0);
  });

  it('that goes wrong in the queue is counted by why, and leaves nothing waiting', async () => {
    const { url, fakes, scheduler, metrics, lifecycle } = await testServer({ engines: 1 });
    const send = (body: object, headers = {}, signal?: AbortSignal) =>
      fetch(`${url}/predict`, {
        method: 'POST',
        headers: { 'content-type': 'application/json', ...headers },
        body: JSON.stringify(body),
        ...(signal ? { signal } : {}),
      }).then(({ status }) => status);
    const depth = async () => total(await metrics.exposition(), 'mbti_queue_depth');
    fakes.auto = false;
    const first = send({ text });
    await until(async () => fakes.running.length === 1);
    const waiting = send(texts(3));
    await until(async () => scheduler.depth === 3);
    expect(await depth()).toBe(3);
    // Full; late, and one that leaves, each of which gives its place back.
    expect(await send(texts(2))).toBe(429);
    expect(await send({ text }, { 'x-request-timeout-ms': '5' })).toBe(408);
    const leaver = new AbortController();
    const left = send({ text }, {}, leaver.signal);
    await until(async () => scheduler.depth === 4);
    leaver.abort();
    await expect(left).rejects.toThrow();
    await until(async () => scheduler.depth === 3);
    expect(await depth()).toBe(3);
    fakes.auto = true;
    fakes.running[0]?.finish();
    expect(await Promise.all([first, waiting])).toEqual([200, 200]);
    lifecycle.state = 'starting';
    const init = { method: 'POST', headers: { 'content-type': 'application/json' } };
    const early = await fetch(`${url}/predict`, { ...init, body: JSON.stringify({ text }) });
    expect([early.status, early.headers.get('retry-after')]).toEqual([503, '1']);
    await until(async () => total(await metrics.exposition(), 'mbti_requests_total') === 6);

    const exposition = await metrics.exposition();
    const of = (status: number) => `{route="/predict",method="POST",status="${status}"}`;
    const expected = { [of(200)]: 2, [of(429)]: 1, [of(408)]: 1, [of(499)]: 1, [of(503)]: 1 };
    expect(counted(exposition, 'mbti_requests_total')).toEqual(expected);
    expect(counted(exposition, 'mbti_queue_rejected_total')).toEqual({
      '{reason="full"}': 1,
      '{reason="deadline"}': 1,
      '{reason="cancelled"}': 1,
    });
    expect([await depth(), scheduler.depth]).toEqual([0, 0]);
    expect(total(exposition, 'mbti_worker_up')).toBe(1);
  });

  it('that is no HTTP is counted under no route, in no time', async () => {
    const { port, metrics } = await testServer();
    await sendRaw(port, ['GARBAGE\r\n\r\n']);
    const exposition = await metrics.exposition();
    expect(counted(exposition, 'mbti_requests_total')).toEqual({
      '{route="unmatched",method="OTHER",status="400"}': 1,
    });
    expect(total(exposition, 'mbti_request_duration_seconds_sum')).toBe(0);
  });
});
