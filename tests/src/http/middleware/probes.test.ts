import { describe, expect, it } from '@jest/globals';
import request from 'supertest';
import { isProbe } from '../../../../src/http/middleware/probes.ts';
import { testServer } from '../../../support/http-server.ts';
import { until } from '../../../support/until.ts';

const readiness = ['/health/ready', '/v2/health/ready', '/v2/models/tiny/ready'];

/** The levels of the lines about requests to these paths, in a server of this state. */
async function levels(state: 'starting' | 'ok' | 'unavailable' | 'draining', paths: string[]) {
  const { url, lifecycle, logged } = await testServer();
  lifecycle.state = state;
  for (const path of paths) await request(url).get(path);
  await until(() => logged.length >= paths.length);
  return logged.map((line) => JSON.parse(line)).map(({ level, status }) => `${status} ${level}`);
}

describe('the line of a probe in the log', () => {
  it('is at debug where it succeeds', async () => {
    const paths = [...readiness, '/health', '/health/live', '/v2/health/live', '/metrics'];
    expect(await levels('ok', paths)).toEqual(paths.map(() => '200 debug'));
  });

  it.each(['starting', 'draining'] as const)(
    'is no warning while readiness says no as it should: %s',
    async (state) => {
      expect(await levels(state, readiness)).toEqual(readiness.map(() => '503 debug'));
    },
  );

  it('is a warning where no engine is up', async () => {
    expect(await levels('unavailable', readiness)).toEqual(readiness.map(() => '503 warn'));
  });

  it('is seen where it asks for what is not there', async () => {
    expect(await levels('ok', ['/v2/models/none/ready'])).toEqual(['404 info']);
  });
});

describe('probes', () => {
  it.each([
    ...['/metrics', '/health', '/health/live', '/health/ready', '/v2/health/live'],
    ...[
      '/v2/health/ready',
      '/v2/models/a%20b/ready',
      '/v2/models/{model}/versions/{version}/ready',
    ],
  ])('%s is one', (path) => {
    expect(isProbe(path)).toBe(true);
  });

  it.each([
    ...['/', '/predict', '/info', '/v2', '/v2/models/ready', '/v2/models/a/infer', '/healthy'],
    ...['/v2/metrics', '/health/', '/x/ready', 'unmatched'],
  ])('%s is none', (path) => {
    expect(isProbe(path)).toBe(false);
  });
});
