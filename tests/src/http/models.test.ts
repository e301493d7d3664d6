import { describe, expect, it } from '@jest/globals';
import request from 'supertest';
import { modelInUrl } from '../../../src/http/index.ts';
import type { ServerState } from '../../../src/models/index.ts';
import { testKeys } from '../../support/api-keys.ts';
import { testModel, testServer } from '../../support/http-server.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';

const keys = testKeys(temporaryFolder().write);

describe('modelInUrl', () => {
  it.each([
    ['/v2/models/mbti', { name: 'mbti' }],
    ['/v2/models/mbti/infer', { name: 'mbti' }],
    ['/v2/models/a%20b/ready?x=/v2/models/c', { name: 'a b' }],
    ['/v2/models/mbti/versions/1.2/infer', { name: 'mbti', version: '1.2' }],
    ['/v2/repository/models/mbti/load', { name: 'mbti' }],
    ['http://host:8000/v2/models/mbti/infer', { name: 'mbti' }],
    ['/v2/models/%zz/infer', undefined],
    ['/models/mbti/predict', { name: 'mbti' }],
    ['/models/a%20b%2Fc/explain', { name: 'a b/c' }],
    ['http://host:8000/models/mbti/predict', { name: 'mbti' }],
    ['/models/%zz/predict', undefined],
    ['/some/models/mbti/predict', undefined],
    ['/v2/models/', undefined],
    ['/V2/models/mbti', undefined],
    ['/predict?to=/v2/models/mbti', undefined],
    ['*', undefined],
  ])('of %s is %j', (url, expected) => {
    expect(modelInUrl(url)).toEqual(expected);
  });
});

const limits = { maxBodyBytes: 9_000, maxTexts: 4, maxWindows: 32, maxDepth: 4, timeoutMs: 9_000 };

const otherTask = {
  name: 'tone',
  cleaning: 'none',
  axes: [{ name: 'tone', labels: ['kind', 'harsh'], threshold: 0.5, temperature: 1 }],
} as const;

/** A server of the model of the app and of another one, which are in these states. */
const serverOf = (own: ServerState, other: ServerState) =>
  testServer({
    models: () => [
      { model: testModel, limits, state: own, workers: 2, queueDepth: 1, isDefault: true },
      {
        model: { ...testModel, name: 'other', explains: true, task: otherTask },
        limits: { ...limits, maxTexts: 7 },
        state: other,
        workers: 3,
        queueDepth: 4,
        isDefault: false,
      },
    ],
  });

const text = 'I enjoy solving complex problems alone.';

describe('the routes of a model', () => {
  it.each(['predict', 'explain'])('answer as /%s does', async (route) => {
    const { url } = await testServer({ model: { ...testModel, explains: true } });
    for (const body of [{ text }, { texts: [text, `${text} Always.`] }, { text: 'no' }, {}]) {
      const usual = await request(url).post(`/${route}`).send(body);
      const named = await request(url).post(`/models/tiny/${route}`).send(body);
      const { request_id: _, ...expected } = usual.body;
      expect([named.status, named.body]).toEqual([usual.status, expect.objectContaining(expected)]);
    }
  });

  it.each(['predict', 'explain'])(
    'are 404 for /models/other/%s, and name the models that there are',
    async (route) => {
      const { url } = await testServer();
      const { status, body, headers } = await request(url)
        .post(`/models/other/${route}`)
        .send({ text });
      expect([status, headers['content-type'], body.code, body.detail]).toEqual([
        404,
        'application/problem+json; charset=utf-8',
        'not_found',
        'there is no model "other": this server has "tiny"',
      ]);
    },
  );

  it('take a name that is percent-encoded', async () => {
    const { url, fakes } = await testServer({ model: { ...testModel, name: 'a b/ç?' } });
    const answer = await request(url).post('/models/a%20b%2F%C3%A7%3F/predict').send({ text });
    expect([answer.status, answer.body.model.name]).toEqual([200, 'a b/ç?']);
    expect((await request(url).post('/models/%E0/predict').send({ text })).status).toBe(400);
    expect(fakes.begun).toEqual([text]);
  });

  it('are asked with POST alone', async () => {
    const { url } = await testServer();
    for (const path of ['/models/tiny/predict', '/models/tiny/explain', '/models/other/predict']) {
      for (const method of ['get', 'head', 'delete', 'options'] as const) {
        const { status, headers } = await request(url)[method](path);
        expect([path, method, status, headers.allow]).toEqual([path, method, 405, 'POST']);
      }
    }
    for (const path of ['/models', '/models/', '/models/tiny', '/models/tiny/predict/']) {
      expect([path, (await request(url).post(path).send({ text })).status]).toEqual([path, 404]);
    }
  });

  it('say of a bundle without an explain graph that it has none', async () => {
    const { url } = await testServer();
    const { status, body } = await request(url).post('/models/tiny/explain').send({ text });
    expect([status, body.code]).toEqual([404, 'explain_unavailable']);
  });

  it('are counted by their pattern, from the first scrape on', async () => {
    const { url, metrics } = await testServer();
    const series =
      'mbti_requests_total{route="/models/{model}/predict",method="POST",status="200"}';
    expect(await metrics.exposition()).toContain(`${series} 0`);
    await request(url).post('/models/tiny/predict').send({ text });
    await request(url).post('/models/made-up/predict').send({ text });
    const exposition = await metrics.exposition();
    expect(exposition).toContain(`${series} 1`);
    expect(exposition).not.toContain('made-up');
  });

  it('take the key that /predict takes', async () => {
    const { url } = await testServer({ access: { keys } });
    const ask = (authorization: string) =>
      request(url).post('/models/tiny/predict').set({ authorization }).send({ text });
    expect((await ask('Bearer reader')).status).toBe(200);
    expect((await ask('Bearer deployer')).status).toBe(403);
    expect((await ask('Bearer nobody')).status).toBe(401);
  });
});

describe('a server of two models', () => {
  it.each([
    ['ok', 'ok', 'ok'],
    ['ok', 'starting', 'starting'],
    ['ok', 'unavailable', 'unavailable'],
    ['unavailable', 'ok', 'unavailable'],
    ['draining', 'draining', 'draining'],
  ] as const)('that are %s and %s is %s', async (own, other, state) => {
    const { url } = await serverOf(own, other);
    const { body } = await request(url).get('/health');
    const ready = state === 'ok';
    expect(body).toMatchObject({ status: state, ready, workers: 5, queue_depth: 5 });
    for (const path of ['/health/ready', '/v2/health/ready']) {
      expect([path, (await request(url).get(path)).status]).toEqual([path, ready ? 200 : 503]);
    }
    const index = Object.fromEntries(
      (await request(url).get('/info')).body.models.map((one: { name: string; state: string }) => [
        one.name,
        one.state,
      ]),
    );
    expect(index).toEqual({ tiny: own, other });
  });

  it('with none is not ready', async () => {
    const { url } = await testServer({ models: () => [] });
    expect((await request(url).get('/v2/health/ready')).status).toBe(503);
  });

  it('publishes what any of them takes, and checks by what its own does', async () => {
    const { url } = await serverOf('ok', 'ok');
    const { components, paths } = (await request(url).get('/openapi.json')).body;
    // One of the two explains, and it is not the app's own.
    expect(Object.keys(paths['/explain'].post.responses)).toEqual(['400', '404']);
    expect(Object.keys(paths['/models/{model}/explain'].post.responses)).toContain('200');
    expect(components.schemas.InferenceInput.properties.shape.items.maximum).toBe(7);
    expect(components.schemas.AnyPredictRequest.properties.texts.maxItems).toBe(7);
    expect(JSON.stringify(components.schemas.AnyPrediction)).toContain('"harsh"');
    expect(JSON.stringify(components.schemas.Prediction)).not.toContain('"harsh"');
    const many = { texts: Array.from({ length: 5 }, () => text) };
    expect((await request(url).post('/models/tiny/predict').send(many)).status).toBe(400);
    const data = Array.from({ length: 5 }, () => 'a text that is long enough');
    const input = { name: 'text', datatype: 'BYTES', shape: [5], data };
    const { status, body } = await request(url)
      .post('/v2/models/tiny/infer')
      .send({ inputs: [input] });
    expect([status, body.error]).toEqual([400, expect.stringContaining('over 4')]);
    expect((await request(url).get('/v2/models/third')).body.error).toBe(
      'there is no model "third": this server has "tiny", "other"',
    );
  });
});
