import { describe, expect, it } from '@jest/globals';
import request from 'supertest';
import { testServer } from '../../../support/http-server.ts';

describe('security headers', () => {
  it.each(['/health', '/nowhere'])('stand on %s', async (path) => {
    const { url } = await testServer();
    const { headers } = await request(url).get(path);
    expect(headers).toMatchObject({
      'x-content-type-options': 'nosniff',
      'x-frame-options': 'DENY',
      'referrer-policy': 'no-referrer',
      'cross-origin-resource-policy': 'same-origin',
      'cache-control': 'no-store',
    });
    expect(headers['content-security-policy']).toMatch(
      /default-src 'self'.*frame-ancestors 'none'/,
    );
    expect(headers['strict-transport-security']).toBeUndefined();
    expect(headers['x-powered-by']).toBeUndefined();
  });
});
