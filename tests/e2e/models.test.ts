import { appendFileSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { loadConfig } from '../../src/config/index.ts';
import { type RunningServer, startServer } from '../../src/server.ts';
import { createLogger } from '../../src/telemetry/index.ts';
import { keyFile } from '../support/api-keys.ts';
import { samples, total } from '../support/exposition.ts';
import { commandHost } from '../support/run-commands.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';
import { writeTinyBundle } from '../support/tiny-bundle.ts';
import { writeEndlessBundle, writeToneBundle } from '../support/tone-bundle.ts';
import { until } from '../support/until.ts';

const folder = temporaryFolder();
const dir = join(folder.path, 'models');
const at = (...names: string[]) => join(dir, ...names);
const text = 'a quiet evening in the garden, and many plans for a long warm day';
const keys = folder.write('keys.json', keyFile({ operator: ['predict', 'admin'] }));
const authorization = 'Bearer operator';

let server: RunningServer;
let log = '';

beforeAll(async () => {
  await writeTinyBundle(at('mbti'), { version: 'v1' });
  await writeToneBundle(at('tone', '9'), 1);
  await writeToneBundle(at('tone', '10'), 2);
  const settings = { tone: { queue: { max_depth: 5 }, limits: { max_texts: 2 } } };
  const { config } = loadConfig({
    overrides: [
      'server.port=0',
      'server.host=127.0.0.1',
      'server.workers=1',
      'server.watch=true',
      `security.api_keys_file=${keys}`,
      `models.settings=${JSON.stringify(settings)}`,
      'models.load_timeout_ms=20000',
    ],
    env: {},
  });
  const stream = new PassThrough();
  stream.on('data', (part: Buffer) => {
    log += part.toString();
  });
  const logger = createLogger({ level: 'info', format: 'json', stream });
  server = await startServer({ config, modelDir: dir, logger });
}, 60_000);
afterAll(() => server.stop());

async function ask(path: string, body?: object) {
  const answer = await fetch(server.url + path, {
    headers: { 'content-type': 'application/json', authorization },
    ...(body ? { method: 'POST', body: JSON.stringify(body) } : {}),
  });
  return { status: answer.status, body: JSON.parse(await answer.text()) };
}

const texts = (...data: string[]) => ({
  inputs: [{ name: 'text', shape: [data.length], datatype: 'BYTES', data }],
});
const infer = (model: string, ...data: string[]) =>
  ask(`/v2/models/${model}/infer`, texts(...data));
const exposition = async () => (await fetch(`${server.url}/metrics`)).text();
const probabilities = ({ body }: Awaited<ReturnType<typeof infer>>): number[] =>
  body.outputs[0].data;

describe('a server of a folder of bundles', () => {
  it('answers for each by its own model, /predict by the default one', async () => {
    const [mbti, tone, older] = await Promise.all([
      infer('mbti', text),
      infer('tone', text),
      infer('tone/versions/9', text),
    ]);
    expect([mbti.body.model_name, mbti.body.model_version]).toEqual(['mbti', 'v1']);
    expect([tone.body.model_name, tone.body.model_version]).toEqual(['tone', '10']);
    expect(older.body.model_version).toBe('9');
    expect(probabilities(mbti)).toHaveLength(4);
    expect(probabilities(tone)).toHaveLength(1);
    expect(probabilities(tone)).not.toEqual(probabilities(older));
    expect((await infer('tone/versions/10', text)).body).toEqual(tone.body);
    const { body } = await ask('/predict', { text });
    expect(body.model).toEqual({ name: 'mbti', version: 'v1' });
    expect((await ask('/models/mbti/predict', { text })).body).toEqual(body);
    const named = await ask('/models/tone/predict', { text });
    expect(named.body.model).toEqual({ name: 'tone', version: '10' });
    expect(named.body.dimensions.map(({ score }: { score: number }) => Math.fround(score))).toEqual(
      probabilities(tone),
    );
    const unknown = await ask('/models/nobody/predict', { text });
    expect([unknown.status, unknown.body.detail]).toEqual([
      404,
      'there is no model "nobody": this server has "mbti", "tone"',
    ]);
    expect((await ask('/predict?model=tone', { text })).status).toBe(400);
  });

  it('says which there are, and 404 to others', async () => {
    const { body } = await ask('/info');
    expect(body.model).toMatchObject({ name: 'mbti', explains: false });
    expect(
      body.models.map((one: { name: string; version: string; default: boolean }) => [
        one.name,
        one.version,
        one.default,
      ]),
    ).toEqual([
      ['mbti', 'v1', true],
      ['tone', '9', false],
      ['tone', '10', false],
    ]);
    expect((await ask('/v2/models/tone')).body.versions).toEqual(['9', '10']);
    expect((await ask('/v2/repository/index', {})).body).toContainEqual({
      name: 'tone',
      version: '9',
      state: 'READY',
      reason: '',
    });
    for (const path of ['other', 'other/ready', 'tone/versions/8', 'mbti/versions/9', '%2e%2e']) {
      expect([path, (await ask(`/v2/models/${path}`)).status]).toEqual([path, 404]);
    }
    const { body: document } = await ask('/openapi.json');
    const [model] = document.paths['/v2/models/{model}/infer'].post.parameters;
    expect(model.schema.enum).toEqual(['mbti', 'tone']);
    expect(document.paths['/models/{model}/predict'].post.parameters[0]).toEqual(model);
  });

  it('holds each to its own limits', async () => {
    expect((await infer('tone', text, text)).status).toBe(200);
    expect((await infer('tone', text, text, text)).status).toBe(400);
    expect((await infer('mbti', text, text, text)).status).toBe(200);
    const several = { texts: [text, text, text] };
    expect((await ask('/models/tone/predict', several)).status).toBe(400);
    expect((await ask('/models/mbti/predict', several)).status).toBe(200);
    const { models } = (await ask('/info')).body;
    expect(models.map((one: { limits: { max_depth: number } }) => one.limits.max_depth)).toEqual([
      512, 5, 5,
    ]);
  });

  it('counts all of them together, and says of each what is its own', async () => {
    const before = await exposition();
    await Promise.all([infer('mbti', text), infer('tone', text)]);
    const after = await exposition();
    const grown = (metric: string, ...labels: string[]) =>
      total(after, metric, ...labels) - total(before, metric, ...labels);
    expect(grown('mbti_predictions_total', 'axis="tone"')).toBe(1);
    expect(grown('mbti_predictions_total', 'axis="E/I"')).toBe(1);
    const found = samples(after);
    expect(found.get('mbti_model_info{name="tone",version="10",precision="fp32"}')).toBe(1);
    expect(total(after, 'mbti_model_info')).toBe(3);
    expect(found.get('mbti_worker_up')).toBe(3);
    expect(found.get('mbti_model_worker_up{name="tone",version="9"}')).toBe(1);
    expect(found.get('mbti_model_worker_memory_bytes{name="tone",version="9"}')).toBeGreaterThan(0);
    const memory = total(after, 'mbti_model_worker_memory_bytes');
    expect(found.get('mbti_worker_memory_bytes')).toBe(memory);
    expect(found.get('mbti_drift_psi{feature="E/I"}')).toBe(0);
    expect(found.get('mbti_model_drift_psi{name="tone",version="9",feature="tone"}')).toBe(0);
  });
});

describe('one of several models', () => {
  it('whose engine is killed leaves the others alone', async () => {
    const [pid = 0] = server.workers('mbti');
    const others = server.workers('tone');
    process.kill(pid, 'SIGKILL');
    await until(() => !server.workers('mbti').includes(pid));
    expect((await ask('/v2/models/tone/ready')).status).toBe(200);
    expect((await infer('tone', text)).status).toBe(200);
    await until(() => server.workers('mbti').length === 1);
    expect((await ask('/v2/health/ready')).status).toBe(200);
    expect(server.workers('tone')).toEqual(others);
    expect((await infer('mbti', text)).status).toBe(200);
  });

  it('is reloaded while the others serve, with no failed request', async () => {
    const engines = server.workers('tone');
    let isOver = false;
    const answered: string[] = [];
    const client = async (model: string) => {
      while (!isOver) {
        const { status, body } = await infer(model, text);
        answered.push(`${status} ${body.model_name} ${body.model_version}`);
      }
    };
    const clients = Promise.all(['mbti', 'tone'].map(client));
    await writeTinyBundle(at('mbti'), { version: 'v2' });
    const { status, body } = await ask('/v2/repository/models/mbti/load', {});
    expect([status, body]).toEqual([200, { name: 'mbti', version: 'v2' }]);
    expect((await ask('/predict', { text })).body.model.version).toBe('v2');
    isOver = true;
    await clients;
    expect([...new Set(answered)].sort()).toEqual(
      expect.arrayContaining(['200 mbti v1', '200 tone 10']),
    );
    for (const one of answered) expect(one).toMatch(/^200 (mbti v[12]|tone 10)$/);
    expect(server.workers('tone')).toEqual(engines);
  });

  it('that is put into the folder is served once it is asked for', async () => {
    expect((await ask('/v2/repository/models/warm/load', {})).status).toBe(404);
    await writeToneBundle(at('warm'), 3, { version: 'w' });
    const { body } = await ask('/v2/repository/models/warm/load', {});
    expect(body).toEqual({ name: 'warm', version: 'w' });
    expect((await infer('warm', text)).body.model_name).toBe('warm');
    const { body: document } = await ask('/openapi.json');
    const [model] = document.paths['/v2/models/{model}/infer'].post.parameters;
    expect(model.schema.enum).toEqual(['mbti', 'tone', 'warm']);
  });

  it('that is damaged is refused, and the others are reloaded', async () => {
    appendFileSync(at('warm', 'onnx/model.onnx'), 'x');
    await writeTinyBundle(at('mbti'), { version: 'v3' });
    const before = await exposition();
    await expect(server.reload()).rejects.toMatchObject({ code: 'bundle_invalid' });
    expect(log).toMatch(/not reloaded.*warm/);
    const after = await exposition();
    const grown = (model: string, outcome: string) =>
      total(after, 'mbti_reloads_total', `model="${model}"`, outcome) -
      total(before, 'mbti_reloads_total', `model="${model}"`, outcome);
    // The watch may have looked at the damaged folder too.
    expect(grown('warm', 'failure')).toBeGreaterThanOrEqual(1);
    expect(grown('warm', 'success')).toBe(0);
    expect([grown('mbti', 'failure'), grown('mbti', 'success')]).toEqual([0, 1]);
    expect(server.models.map(({ name, version }) => `${name} ${version}`)).toEqual([
      'mbti v3',
      'tone 9',
      'tone 10',
      'warm w',
    ]);
    expect((await infer('warm', text)).status).toBe(200);
  });
});

describe('the versions of a model', () => {
  it('with server.watch come and go with their folders, and the highest is the default', async () => {
    await writeToneBundle(join(folder.path, 'next'), 4);
    renameSync(join(folder.path, 'next'), at('tone', '11'));
    rmSync(at('tone', '9'), { recursive: true });
    await until(() =>
      server.models.every(({ name, version }) => name !== 'tone' || version !== '9'),
    );
    expect((await infer('tone', text)).body.model_version).toBe('11');
    expect((await infer('tone/versions/10', text)).status).toBe(200);
    expect((await infer('tone/versions/9', text)).status).toBe(404);
    expect(await exposition()).not.toMatch(/model_info\{name="tone",version="9"/);
  });
});

describe('a bundle among whose files are versions', () => {
  it('is not taken for either, keeps what was served, and leaves the other models alone', async () => {
    const stray = folder.write('models/tone/manifest.json', '{}');
    await writeTinyBundle(at('mbti'), { version: 'v4' });
    await expect(server.reload()).rejects.toMatchObject({ code: 'bundle_invalid' });
    rmSync(stray);
    expect(log).toMatch(/the model was not loaded.*tone is a bundle and holds bundles/);
    expect(server.models.map(({ name, version }) => `${name} ${version}`)).toEqual([
      'mbti v4',
      'tone 10',
      'tone 11',
      'warm w',
    ]);
  });
});

describe('mbti-serve of a folder of bundles', () => {
  const host = commandHost();
  const serve = (...args: string[]) =>
    host('src/bin/mbti-serve', ['--port', '0', ...args], { cwd: folder.path });

  it('does not start with a damaged one among them, and names its folder', async () => {
    const { code, stderr } = await serve('--model', 'models');
    expect([code, stderr]).toEqual([1, expect.stringContaining('models/warm')]);
  });

  it('says everything that is wrong with what is configured for its models', async () => {
    const { code, stderr } = await serve(
      '--model',
      'models',
      'models.default_model=none',
      'models.settings={"ton":{"server":{"workers":1}}}',
    );
    expect(code).toBe(2);
    expect(stderr).toMatch(
      /models\.settings has the model "ton": expected one of mbti, tone, warm/,
    );
    expect(stderr).toMatch(/models\.default_model is "none": expected one of mbti, tone, warm/);
  });

  it('asks for the default model where none of several has the usual name', async () => {
    await writeToneBundle(join(folder.path, 'pair/a'), 1);
    await writeToneBundle(join(folder.path, 'pair/b'), 1);
    const { code, stderr } = await serve('--model', 'pair');
    expect([code, stderr]).toEqual([
      2,
      expect.stringContaining('models.default_model is missing: expected one of a, b'),
    ]);
  });
});

describe('a reload that does not come to an end', () => {
  it('is given up after models.load_timeout_ms, and the next one has its turn', async () => {
    const one = join(folder.path, 'one');
    await writeToneBundle(one, 1, { version: 'good' });
    const { config } = loadConfig({
      overrides: ['server.port=0', 'server.workers=1', 'models.load_timeout_ms=500'],
      env: {},
    });
    const logger = createLogger({ level: 'error', format: 'json', stream: new PassThrough() });
    const running = await startServer({ config, modelDir: one, logger });
    const engines = running.workers();
    await writeEndlessBundle(one, { version: 'endless' });
    for (const _ of [1, 2]) {
      await expect(running.reload()).rejects.toMatchObject({
        code: 'engine_failed',
        message: expect.stringContaining('took longer than 500 ms'),
      });
    }
    expect(running.model.version).toBe('good');
    expect(running.workers()).toEqual(engines);
    await running.stop();
  });
});
