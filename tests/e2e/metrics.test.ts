import { connect } from 'node:net';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { loadConfig } from '../../src/config/index.ts';
import { type RunningServer, startServer } from '../../src/server.ts';
import { samples, total } from '../support/exposition.ts';
import { quietLogger } from '../support/quiet-logger.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';
import { writeTinyBundle } from '../support/tiny-bundle.ts';

const folder = temporaryFolder();
const bundle = join(folder.path, 'mbti');
let server: RunningServer;

beforeAll(async () => {
  await writeTinyBundle(bundle);
  const overrides = ['server.port=0', 'server.host=127.0.0.1', 'server.workers=2'];
  const { config } = loadConfig({ overrides: [...overrides, 'queue.max_depth=40'], env: {} });
  server = await startServer({ config, modelDir: bundle, logger: quietLogger });
});
afterAll(() => server.stop());

const text = (i: number) =>
  `a quiet evening garden and long plans, number ${'very '.repeat(i % 30)}${i}`;

/** Requests of every kind, `i` by `i`. */
const kinds: readonly ((i: number) => [string, RequestInit])[] = [
  (i) => ['/predict', post({ text: text(i) })],
  (i) => ['/predict', post({ texts: [text(i), text(i + 1), text(i + 2)] })],
  () => ['/predict', post({ text: 'short' })],
  () => ['/predict', { method: 'GET' }],
  (i) => [`/unknown/${i}`, { method: 'GET' }],
  () => ['/metrics', { method: 'GET' }],
];

function post(body: object): RequestInit {
  return {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  };
}

interface Usage {
  readonly usage: { readonly tokens: number };
}

async function ask(i: number): Promise<{ status: number; predictions: readonly Usage[] }> {
  const [path, init] = kinds[i % kinds.length]?.(i) ?? ['/', {}];
  const answer = await fetch(`${server.url}${path}`, init);
  const body = await answer.text();
  if (answer.status !== 200 || path === '/metrics') {
    return { status: answer.status, predictions: [] };
  }
  const json = JSON.parse(body);
  return { status: 200, predictions: json.predictions ?? [json] };
}

/** Sends a whole request and leaves a little later, mostly before the answer. */
function askAndLeave(i: number): Promise<void> {
  const body = JSON.stringify({ text: text(i) });
  const head = [
    'POST /predict HTTP/1.1',
    'host: x',
    'content-type: application/json',
    `content-length: ${body.length}`,
  ];
  return new Promise((resolve) => {
    const socket = connect({ port: server.port, host: '127.0.0.1' });
    socket.on('close', () => resolve());
    socket.write(`${head.join('\r\n')}\r\n\r\n${body}`, () => {
      setTimeout(() => socket.destroy(), i % 7);
    });
  });
}

describe('the metrics of a server under load', () => {
  it('count every request once, and every token and phase of what was scored', async () => {
    const leavers = Promise.all(Array.from({ length: 30 }, (_, i) => askAndLeave(i)));
    const answers = await Promise.all(Array.from({ length: 180 }, (_, i) => ask(i)));
    await leavers;
    let exposition = '';
    const posted = (status: number) => {
      const labels = `route="/predict",method="POST",status="${status}"`;
      return samples(exposition).get(`mbti_requests_total{${labels}}`) ?? 0;
    };
    const scorable = () => posted(200) + posted(429) + posted(499);
    // A request that broke off is counted when the server has seen its end.
    do exposition = await (await fetch(`${server.url}/metrics`)).text();
    while (scorable() < 90 || total(exposition, 'mbti_queue_depth') > 0);
    const counted = (status: number) =>
      total(exposition, 'mbti_requests_total', `status="${status}"`);
    const answered = (status: number) => answers.filter((one) => one.status === status).length;
    for (const status of [400, 404, 405]) {
      expect([status, counted(status)]).toEqual([status, answered(status)]);
    }
    expect(scorable()).toBe(90);
    // 30 of them were scrapes.
    expect(posted(200)).toBeGreaterThanOrEqual(answered(200) - 30);
    expect(total(exposition, 'mbti_requests_total')).toBe(
      total(exposition, 'mbti_request_duration_seconds_count'),
    );
    // Clients that leave may do so just after they were answered, so there are bounds and no number.
    const predictions = answers.flatMap((one) => one.predictions);
    const tokens = predictions.reduce((sum, { usage }) => sum + usage.tokens, 0);
    const scored = total(exposition, 'mbti_phase_duration_seconds_count', 'phase="queue"');
    expect(total(exposition, 'mbti_tokens_total')).toBeGreaterThanOrEqual(tokens);
    expect(total(exposition, 'mbti_predictions_total')).toBeGreaterThanOrEqual(
      predictions.length * 4,
    );
    expect(total(exposition, 'mbti_predictions_total')).toBeLessThanOrEqual(scored * 4);
    for (const phase of ['tokenize', 'compute']) {
      const series = `mbti_phase_duration_seconds_count{phase="${phase}"}`;
      expect([series, samples(exposition).get(series)]).toEqual([series, scored]);
    }
  });

  it('have phases that add up to no more than the requests that they are of', async () => {
    const sums = async () => {
      const exposition = await (await fetch(`${server.url}/metrics`)).text();
      const requests = samples(exposition);
      return {
        phases: total(exposition, 'mbti_phase_duration_seconds_sum'),
        duration: requests.get('mbti_request_duration_seconds_sum{route="/predict"}') ?? 0,
        count: requests.get('mbti_request_duration_seconds_count{route="/predict"}') ?? 0,
      };
    };
    const before = await sums();
    const singles = Array.from({ length: 30 }, (_, i) => ask(i * kinds.length));
    expect((await Promise.all(singles)).map(({ status }) => status)).toEqual(Array(30).fill(200));
    let after = await sums();
    while (after.count < before.count + 30) after = await sums();
    const phases = after.phases - before.phases;
    const duration = after.duration - before.duration;
    expect(phases).toBeGreaterThan(0);
    expect(phases).toBeLessThanOrEqual(duration);
  });
});
