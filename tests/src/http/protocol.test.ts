import { describe, expect, it } from '@jest/globals';
import request from 'supertest';
import { packageVersion } from '../../../src/package-root.ts';
import { testServer } from '../../support/http-server.ts';

describe('the Open Inference Protocol', () => {
  it('says who serves, and which tensors the model takes and gives', async () => {
    const { url } = await testServer();
    const server = await request(url).get('/v2');
    expect(server.body).toEqual({
      name: 'mbti-onnx',
      version: packageVersion,
      extensions: ['binary_tensor_data'],
    });
    const metadata = {
      name: 'tiny',
      versions: ['abc'],
      platform: 'onnx_onnxv1',
      inputs: [{ name: 'text', datatype: 'BYTES', shape: [-1] }],
      outputs: [
        { name: 'probabilities', datatype: 'FP32', shape: [-1, 4] },
        { name: 'labels', datatype: 'BYTES', shape: [-1] },
      ],
    };
    expect((await request(url).get('/v2/models/tiny')).body).toEqual(metadata);
    expect((await request(url).get('/v2/models/tiny/versions/abc')).body).toEqual(metadata);
  });

  it.each([
    ['starting', 503],
    ['ok', 200],
    ['unavailable', 503],
    ['draining', 503],
  ] as const)('a server that is %s answers readiness with %i, and lives', async (state, status) => {
    const { url, lifecycle } = await testServer();
    lifecycle.state = state;
    expect((await request(url).get('/v2/health/live')).body).toEqual({ live: true });
    for (const path of ['health', 'models/tiny', 'models/tiny/versions/abc']) {
      const answer = await request(url).get(`/v2/${path}/ready`);
      expect([path, answer.status]).toEqual([path, status]);
      if (status === 200) expect(answer.body.ready).toBe(true);
      else expect(Object.keys(answer.body)).toEqual(['error']);
    }
  });

  it.each(['', '/ready', '/versions/abc', '/versions/abc/ready'])(
    'GET /v2/models/other%s is 404',
    async (tail) => {
      const { url } = await testServer();
      const { status, body } = await request(url).get(`/v2/models/other${tail}`);
      expect([status, body]).toEqual([
        404,
        { error: 'there is no model "other": this server has "tiny"' },
      ]);
    },
  );

  it('answers another method with 405, Allow and an error of the protocol', async () => {
    const { url } = await testServer();
    const { status, body, headers } = await request(url).delete('/v2/models/tiny');
    expect([status, body, headers.allow]).toEqual([
      405,
      { error: 'expected GET or HEAD' },
      'GET, HEAD',
    ]);
  });

  it('loads no model where there are no API keys', async () => {
    const { url } = await testServer();
    const { status, body } = await request(url).post('/v2/repository/models/tiny/load').send({});
    expect([status, body]).toEqual([403, { error: expect.stringContaining('API keys') }]);
  });
});
