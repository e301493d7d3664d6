import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from '@jest/globals';
import { loadConfig } from '../../src/config/index.ts';
import { type RunningServer, startServer } from '../../src/server.ts';
import { samples, total } from '../support/exposition.ts';
import { otlpReceiver } from '../support/otlp-receiver.ts';
import { quietLogger } from '../support/quiet-logger.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';
import { tempered, writeTinyBundle } from '../support/tiny-bundle.ts';

const folder = temporaryFolder();
const text = 'a quiet evening in the garden, and many plans for a long warm day';
const other = 'friends come to argue about ideas and theory in the long evening';

/** How validation texts were spread: any reference, for drift to be measured at all. */
const reference = { texts: 9, features: { 'E/I': { edges: [0.5], shares: [0.5, 0.5] } } };

/** The tiny model with its logits divided by `temperature`, which every answer shows. */
const write = (dir: string, version: string, temperature: number) =>
  writeTinyBundle(dir, {
    version,
    reference,
    task: tempered(temperature),
  });

const open: RunningServer[] = [];
afterEach(async () => {
  await Promise.all(open.splice(0).map((server) => server.stop()));
});

async function serve(name: string, ...overrides: string[]) {
  const dir = join(folder.path, name);
  await write(dir, 'v1', 1);
  const fixed = ['server.port=0', 'server.host=127.0.0.1', 'server.workers=1'];
  const { config } = loadConfig({ overrides: [...fixed, ...overrides], env: {} });
  const server = await startServer({ config, modelDir: dir, logger: quietLogger });
  open.push(server);
  return { dir, server };
}

async function post(url: string, body: object, headers: Readonly<Record<string, string>> = {}) {
  const answer = await fetch(url, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body: JSON.stringify(body),
  });
  return { status: answer.status, body: await answer.text() };
}

const predict = ({ url }: RunningServer, body: object) => post(`${url}/predict`, body);

async function metricsOf({ url }: RunningServer) {
  const exposition = await (await fetch(`${url}/metrics`)).text();
  return {
    hits: samples(exposition).get('mbti_cache_hits_total'),
    misses: samples(exposition).get('mbti_cache_misses_total'),
    scored: total(exposition, 'mbti_batch_size_count'),
    predicted: total(exposition, 'mbti_predictions_total', 'axis="E/I"'),
    drift: total(exposition, 'mbti_drift_window_size'),
    tokens: total(exposition, 'mbti_tokens_total'),
  };
}

describe('the cache of results', () => {
  it('is off by default: the same text is scored again', async () => {
    const { server } = await serve('off');
    for (let i = 0; i < 2; i += 1) expect((await predict(server, { text })).status).toBe(200);
    expect(await metricsOf(server)).toMatchObject({ hits: 0, misses: 0, scored: 2 });
  });

  it('gives the same answer, byte for byte, without an engine, and counts it as any other', async () => {
    const { server } = await serve('on', 'cache.max_entries=10');
    expect(await metricsOf(server)).toMatchObject({ hits: 0, misses: 0 });
    const first = await predict(server, { text });
    const { usage } = JSON.parse(first.body);
    expect(await predict(server, { text })).toEqual(first);
    // Cleaned, it is the same text.
    expect(await predict(server, { text: `  ${text} ` })).toEqual(first);
    expect(await metricsOf(server)).toEqual({
      hits: 2,
      misses: 1,
      scored: 1,
      predicted: 3,
      drift: 3,
      tokens: 3 * usage.tokens,
    });
  });

  it('scores of a list only what it does not know, and keeps the order', async () => {
    const { server } = await serve('list', 'cache.max_entries=10');
    const alone = await Promise.all([text, other].map((one) => predict(server, { text: one })));
    const added = `${other} and ${text}`;
    const { body } = await predict(server, { texts: [other, added, text, other] });
    const { predictions } = JSON.parse(body);
    const [ofText, ofOther] = alone.map((one) => JSON.parse(one.body));
    const ofAdded = JSON.parse((await predict(server, { text: added })).body);
    expect(predictions).toEqual([ofOther, ofAdded, ofText, ofOther]);
    expect(await metricsOf(server)).toMatchObject({ hits: 4, misses: 3, scored: 3 });
  });

  it('knows nothing of another version, nor of one by the same name with other numbers', async () => {
    const { dir, server } = await serve('reloaded', 'cache.max_entries=10');
    const scoreOf = async () => {
      const { body } = await predict(server, { text });
      const { dimensions, model } = JSON.parse(body);
      return { version: model.version, score: dimensions[0].score };
    };
    const first = await scoreOf();
    await write(dir, 'v2', 2);
    await server.reload();
    const second = await scoreOf();
    expect(second.version).toBe('v2');
    expect(second.score).not.toBe(first.score);
    await write(dir, 'v2', 3);
    await server.reload();
    expect((await scoreOf()).score).not.toBe(second.score);
    expect(await metricsOf(server)).toMatchObject({ hits: 0, misses: 3 });
    await write(dir, 'v1', 1);
    await server.reload();
    expect(await scoreOf()).toEqual(first);
    expect(await metricsOf(server)).toMatchObject({ hits: 1, misses: 3 });
  });

  it('is asked after the API key and the rate limit', async () => {
    const sha256 = createHash('sha256').update('secret').digest('hex');
    const keys = folder.write(
      'keys.json',
      JSON.stringify({ keys: [{ name: 'web', sha256, scopes: ['predict'] }] }),
    );
    const limits = ['security.rate_limit=1', 'security.rate_burst=2'];
    const { server } = await serve(
      'guarded',
      'cache.max_entries=10',
      `security.api_keys_file=${keys}`,
      ...limits,
    );
    const url = `${server.url}/predict`;
    const authorization = 'Bearer secret';
    expect((await post(url, { text }, { authorization })).status).toBe(200);
    expect((await post(url, { text })).status).toBe(401);
    expect((await post(url, { text }, { authorization })).status).toBe(200);
    expect((await post(url, { text }, { authorization })).status).toBe(429);
    expect(await metricsOf(server)).toMatchObject({ hits: 1, misses: 1 });
  });

  it('shows in a trace as texts without phases', async () => {
    const { url, spans } = await otlpReceiver();
    const { server } = await serve(
      'traced',
      'cache.max_entries=10',
      `telemetry.traces.endpoint=${url}`,
    );
    await predict(server, { text });
    await predict(server, { texts: [text, other] });
    await server.stop();
    open.pop();
    const requests = spans.filter(({ kind }) => kind === 2).map(({ attributes }) => attributes);
    expect(requests.map((one) => [one['mbti.texts'], one['mbti.cache.hits']])).toEqual([
      [1, 0],
      [2, 1],
    ]);
    const computed = spans.filter(({ name }) => name === 'compute');
    expect(computed.map(({ attributes }) => attributes['mbti.text.index'])).toEqual([0, 1]);
  });
});
