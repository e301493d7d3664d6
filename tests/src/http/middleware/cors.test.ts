import { describe, expect, it } from '@jest/globals';
import request from 'supertest';
import { testKeys } from '../../../support/api-keys.ts';
import { total } from '../../../support/exposition.ts';
import { testServer } from '../../../support/http-server.ts';
import { temporaryFolder } from '../../../support/temporary-folder.ts';

const folder = temporaryFolder();
const page = 'https://app.example.org';
const preflight = (url: string, origin: string) =>
  request(url).options('/predict').set({ origin, 'access-control-request-method': 'POST' });

describe('CORS', () => {
  it('is closed by default', async () => {
    const { url } = await testServer();
    const { headers } = await request(url).get('/info').set('origin', page);
    expect(headers['access-control-allow-origin']).toBeUndefined();
    expect((await preflight(url, page)).status).toBe(405);
  });

  it('opens to the configured origins and to no other', async () => {
    const { url } = await testServer({ access: { corsOrigins: [page] } });
    const allowed = async (origin: string) => {
      const { headers } = await request(url).get('/info').set('origin', origin);
      expect(headers.vary).toMatch(/origin/i);
      return headers['access-control-allow-origin'];
    };
    expect(await allowed(page)).toBe(page);
    expect(await allowed('https://app.example.org.evil.example')).toBeUndefined();
    expect(await allowed('null')).toBeUndefined();
  });

  it('answers a preflight without a key, under the route that it is about', async () => {
    const access = { corsOrigins: [page], keys: testKeys(folder.write) };
    const { url, metrics } = await testServer({ access });
    const { status, headers } = await preflight(url, page);
    expect(status).toBe(204);
    expect(headers['access-control-allow-methods']).toBe('POST');
    expect(headers['access-control-allow-headers']).toMatch(/authorization, content-type/);
    expect((await preflight(url, 'https://evil.example')).status).toBe(405);
    await new Promise((resolve) => setTimeout(resolve, 20));
    const exposition = await metrics.exposition();
    expect(total(exposition, 'mbti_requests_total', '/predict', 'method="OPTIONS"')).toBe(2);
  });

  it('lets a page read errors too', async () => {
    const { url } = await testServer({ access: { corsOrigins: ['*'] } });
    const { status, headers } = await request(url).post('/predict').set('origin', page).send({});
    expect([status, headers['access-control-allow-origin']]).toEqual([400, '*']);
    expect(headers['access-control-expose-headers']).toMatch(/x-request-id/);
  });
});
