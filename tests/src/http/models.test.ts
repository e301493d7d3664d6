import { describe, expect, it } from '@jest/globals';
import request from 'supertest';
import { modelInUrl, type ServerState } from '../../../src/http/index.ts';
import { testModel, testServer } from '../../support/http-server.ts';

describe('modelInUrl', () => {
  it.each([
    ['/v2/models/mbti', { name: 'mbti' }],
    ['/v2/models/mbti/infer', { name: 'mbti' }],
    ['/v2/models/a%20b/ready?x=/v2/models/c', { name: 'a b' }],
    ['/v2/models/mbti/versions/1.2/infer', { name: 'mbti', version: '1.2' }],
    ['/v2/repository/models/mbti/load', { name: 'mbti' }],
    ['http://host:8000/v2/models/mbti/infer', { name: 'mbti' }],
    ['/v2/models/%zz/infer', undefined],
    ['/v2/models/', undefined],
    ['/V2/models/mbti', undefined],
    ['/predict?to=/v2/models/mbti', undefined],
    ['*', undefined],
  ])('of %s is %j', (url, expected) => {
    expect(modelInUrl(url)).toEqual(expected);
  });
});

const limits = { maxBodyBytes: 9_000, maxTexts: 4, maxWindows: 32, maxDepth: 4, timeoutMs: 9_000 };

/** A server of the model of the app and of another one, which are in these states. */
const serverOf = (own: ServerState, other: ServerState) =>
  testServer({
    models: () => [
      { model: testModel, limits, state: own, workers: 2, queueDepth: 1, isDefault: true },
      {
        model: { ...testModel, name: 'other', task: { ...testModel.task, cleaning: 'none' } },
        limits: { ...limits, maxTexts: 7 },
        state: other,
        workers: 3,
        queueDepth: 4,
        isDefault: false,
      },
    ],
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
    const { components } = (await request(url).get('/openapi.json')).body;
    expect(components.schemas.InferenceInput.properties.shape.items.maximum).toBe(7);
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
