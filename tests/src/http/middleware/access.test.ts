import { describe, expect, it } from '@jest/globals';
import request from 'supertest';
import { guard, scopeOf } from '../../../../src/http/middleware/access.ts';
import type { Route } from '../../../../src/http/route.ts';
import { RateLimiter } from '../../../../src/security/index.ts';
import { testKeys } from '../../../support/api-keys.ts';
import { samples, total } from '../../../support/exposition.ts';
import { testServer } from '../../../support/http-server.ts';
import { temporaryFolder } from '../../../support/temporary-folder.ts';

const folder = temporaryFolder();
const keys = testKeys(folder.write);
const body = { text: 'I enjoy solving complex problems alone.' };
const predict = (url: string) => request(url).post('/predict').send(body);
const limiter = (burst: number) => new RateLimiter({ perMinute: 1, burst, now: () => 0 });

const route = (path: string, change: Partial<Route> = {}): Route => ({
  path,
  method: 'POST',
  operation: { operationId: 'any', tag: 'service', summary: 'any', responses: {} },
  handler: () => {},
  ...change,
});

describe('with API keys', () => {
  it('predictions take a key that has the scope', async () => {
    const { url } = await testServer({ access: { keys } });
    expect((await predict(url).set('authorization', 'Bearer reader')).status).toBe(200);
    expect((await predict(url).set('authorization', 'bearer operator')).status).toBe(200);
  });

  it.each([
    [undefined, 'Bearer realm="mbti-onnx"'],
    ['Bearer wrong', 'Bearer realm="mbti-onnx", error="invalid_token"'],
    ['Bearer ', 'Bearer realm="mbti-onnx", error="invalid_token"'],
    ['Bearer reader reader', 'Bearer realm="mbti-onnx", error="invalid_token"'],
    ['Basic reader', 'Bearer realm="mbti-onnx", error="invalid_token"'],
    ['reader', 'Bearer realm="mbti-onnx", error="invalid_token"'],
  ])('%p is answered 401 with a challenge, before the body is read', async (header, challenge) => {
    const { url } = await testServer({ access: { keys } });
    const post = request(url).post('/predict').set('content-type', 'text/plain').send('no JSON');
    const { status, body, headers } = await (header ? post.set('authorization', header) : post);
    expect([status, body.code]).toEqual([401, 'unauthorized']);
    expect(headers['www-authenticate']).toBe(challenge);
  });

  it.each(['/health', '/health/live', '/health/ready', '/metrics', '/info'])(
    'GET %s stays open',
    async (path) => {
      const { url } = await testServer({ access: { keys } });
      expect((await request(url).get(path)).status).toBe(200);
    },
  );

  it('the log names the key and never holds it', async () => {
    const { url, logged } = await testServer({ access: { keys } });
    await predict(url).set('authorization', 'Bearer reader');
    await predict(url).set('authorization', 'Bearer hunter2');
    await new Promise((resolve) => setTimeout(resolve, 20));
    expect(logged.join('')).toContain('"key":"holder-of-reader"');
    expect(logged.join('')).not.toMatch(/Bearer|hunter2/);
  });
});

describe('the scope of a route', () => {
  it.each([
    [route('/predict'), 'predict'],
    [route('/v2/models/m/infer'), 'predict'],
    [route('/v2/repository/models/m/load'), 'admin'],
    [route('/info', { method: 'GET' }), null],
    [route('/info', { method: 'GET', scope: 'admin' }), 'admin'],
    [route('/open', { scope: null }), null],
  ])('%j is %p', (one, scope) => {
    expect(scopeOf(one)).toBe(scope);
  });
});

describe('an admin route', () => {
  const admin = route('/v2/repository/models/m/load');

  /** What the guard does with a request of these headers: `undefined` where it lets it through. */
  async function guarded(access: object, headers: Record<string, string>) {
    const { metrics } = await testServer();
    const { default: express } = await import('express');
    const app = express();
    app.post(admin.path, guard({ access, metrics }, admin), (_request, response) => {
      response.json({});
    });
    app.use(((error, _request, response, _next) => {
      response.status(error.status).json({ code: error.code });
    }) as import('express').ErrorRequestHandler);
    const { status, body, headers: answered } = await request(app).post(admin.path).set(headers);
    return [status, body.code, answered['www-authenticate']];
  }

  it('is closed to everybody where there are no keys', async () => {
    expect(await guarded({}, { authorization: 'Bearer operator' })).toEqual([
      403,
      'forbidden',
      undefined,
    ]);
  });

  it('is open to keys with the scope alone', async () => {
    expect(await guarded({ keys }, { authorization: 'Bearer operator' })).toEqual([200]);
    expect(await guarded({ keys }, { authorization: 'Bearer reader' })).toEqual([
      403,
      'forbidden',
      'Bearer realm="mbti-onnx", error="insufficient_scope", scope="admin"',
    ]);
  });
});

describe('a rate limit', () => {
  it('answers 429 with Retry-After and a code of its own, counted from zero', async () => {
    const { url, metrics } = await testServer({ access: { rateLimiter: limiter(2) } });
    const rejected = 'mbti_queue_rejected_total{reason="rate_limit"}';
    expect(samples(await metrics.exposition()).get(rejected)).toBe(0);
    const answers = [await predict(url), await predict(url), await predict(url)];
    expect(answers.map(({ status }) => status)).toEqual([200, 200, 429]);
    expect(answers[2]?.body.code).toBe('rate_limited');
    expect(answers[2]?.headers['retry-after']).toBe('60');
    const exposition = await metrics.exposition();
    expect(samples(exposition).get(rejected)).toBe(1);
    expect(total(exposition, 'mbti_requests_total', '/predict', 'status="429"')).toBe(1);
    expect((await request(url).get('/health')).status).toBe(200);
  });

  it('is each key’s own', async () => {
    const { url } = await testServer({ access: { keys, rateLimiter: limiter(1) } });
    const asked = ['reader', 'reader', 'operator', 'nobody', 'operator'];
    const statuses = [];
    for (const key of asked) {
      statuses.push((await predict(url).set('authorization', `Bearer ${key}`)).status);
    }
    expect(statuses).toEqual([200, 429, 200, 401, 429]);
  });

  it('believes X-Forwarded-For of as many proxies as there are, and of no more', async () => {
    const statuses = async (trustedProxies: number, ...forwarded: string[]) => {
      const { url } = await testServer({ access: { rateLimiter: limiter(1), trustedProxies } });
      const answers = [];
      for (const value of forwarded) {
        answers.push((await predict(url).set('x-forwarded-for', value)).status);
      }
      return answers;
    };
    expect(await statuses(0, '192.0.2.1', '192.0.2.2')).toEqual([200, 429]);
    expect(await statuses(1, '192.0.2.1', '192.0.2.2', '192.0.2.1')).toEqual([200, 200, 429]);
    expect(await statuses(1, '192.0.2.1', '198.51.100.1, 192.0.2.1')).toEqual([200, 429]);
  });
});
