import { describe, expect, it } from '@jest/globals';
import request from 'supertest';
import { testServer } from '../../../support/http-server.ts';

const trace = '4bf92f3577b34da6a3ce929d0e0e4736';
const parent = '00f067aa0ba902b7';

/** What a server answers to a `traceparent`, in its parts. */
async function answered(header?: string) {
  const { url } = await testServer();
  const get = request(url).get('/health');
  const { headers } = await (header === undefined ? get : get.set('traceparent', header));
  const [version, traceId, span, flags] = String(headers.traceparent).split('-');
  return { version, traceId, span, flags };
}

describe('traceparent', () => {
  it.each([
    ['sampled', `00-${trace}-${parent}-01`, '01'],
    ['not sampled', `00-${trace}-${parent}-00`, '00'],
    ['with flags that mean nothing', `00-${trace}-${parent}-fd`, '01'],
    ['of a later version', `cc-${trace}-${parent}-01`, '01'],
    [
      'of a later version, with more behind',
      `cc-${trace}-${parent}-01-what-the-future-brings`,
      '01',
    ],
  ])('%s is gone on with, in a span of the server’s own', async (_name, header, flags) => {
    const answer = await answered(header);
    expect(answer).toMatchObject({ version: '00', traceId: trace, flags });
    expect(answer.span).toMatch(/^[0-9a-f]{16}$/);
    expect(answer.span).not.toBe(parent);
  });

  it.each([
    ['missing', undefined],
    ['no traceparent', 'banana'],
    ['of the forbidden version', `ff-${trace}-${parent}-01`],
    ['of version 00 with more behind', `00-${trace}-${parent}-01-more`],
    ['of a trace of zeros', `00-${'0'.repeat(32)}-${parent}-01`],
    ['of a parent of zeros', `00-${trace}-${'0'.repeat(16)}-01`],
    ['in capitals', `00-${trace.toUpperCase()}-${parent}-01`],
    ['too short', `00-${trace.slice(1)}-${parent}-01`],
  ])('that is %s begins a trace', async (_name, header) => {
    const answer = await answered(header);
    expect(answer).toMatchObject({ version: '00', flags: '02' });
    expect(answer.traceId).toMatch(/^[0-9a-f]{32}$/);
    expect(answer.traceId).not.toBe(trace);
  });

  it('is the trace_id of the request’s line in the log, and of the error that it ran into', async () => {
    const { url, logged, fakes } = await testServer({ engines: 1 });
    fakes.auto = false;
    const answer = request(url)
      .post('/predict')
      .set('traceparent', `00-${trace}-${parent}-01`)
      .send({ text: 'I enjoy solving complex problems alone.' })
      .then(({ status }) => status);
    for (let attempt = 0; attempt < 2; attempt += 1) {
      while (fakes.running.length === 0) await new Promise((resolve) => setTimeout(resolve, 5));
      fakes.running[0]?.die();
    }
    expect(await answer).toBe(503);
    const lines = logged.map((line) => JSON.parse(line));
    expect(lines.map((line) => [line.level, line.trace_id])).toEqual([
      ['error', trace],
      ['warn', trace],
    ]);
  });
});
