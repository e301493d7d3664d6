import { createHash } from 'node:crypto';
import { appendFileSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { afterEach, describe, expect, it } from '@jest/globals';
import { loadConfig } from '../../src/config/index.ts';
import { type RunningServer, startServer } from '../../src/server.ts';
import { createLogger } from '../../src/telemetry/index.ts';
import { samples, total } from '../support/exposition.ts';
import { serveProcess } from '../support/serve-process.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';
import { tempered, writeTinyBundle } from '../support/tiny-bundle.ts';
import { until } from '../support/until.ts';

const folder = temporaryFolder();
const text = 'a quiet evening in the garden, and many plans for a long warm day';

/** The tiny model with its logits divided by `temperature`, which every answer shows. */
const write = (dir: string, version: string, temperature: number) =>
  writeTinyBundle(dir, {
    version,
    task: tempered(temperature),
  });

/** Writes a file of the bundle anew, with a byte that changes nothing for who reads it. */
const lengthen = (dir: string, file: string) => appendFileSync(join(dir, file), '\n');

/** Makes the manifest match a file that was changed. */
function sign(dir: string, file: string, version: string) {
  const path = join(dir, 'manifest.json');
  const manifest = JSON.parse(readFileSync(path, 'utf8'));
  const content = readFileSync(join(dir, file));
  const sha256 = createHash('sha256').update(content).digest('hex');
  manifest.files[file] = { sha256, size: content.length };
  writeFileSync(path, JSON.stringify({ ...manifest, version }));
}

const open: RunningServer[] = [];
afterEach(async () => {
  await Promise.all(open.splice(0).map((server) => server.stop()));
});

/** Two engines where one is to be lost, or the other to answer meanwhile. */
async function serve(name: string, engines: 1 | 2) {
  const dir = join(folder.path, name);
  await write(dir, 'v1', 1);
  const overrides = ['server.port=0', 'server.host=127.0.0.1', `server.workers=${engines}`];
  const { config } = loadConfig({ overrides, env: {} });
  const stream = new PassThrough();
  let log = '';
  stream.on('data', (part: Buffer) => {
    log += part.toString();
  });
  const logger = createLogger({ level: 'info', format: 'json', stream });
  const server = await startServer({ config, modelDir: dir, logger });
  open.push(server);
  await until(() => server.workers().length === engines);
  return { dir, server, log: () => log };
}

const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

async function get(url: string) {
  return JSON.parse(await (await fetch(url)).text());
}

async function predict({ url }: { readonly url: string }) {
  const answer = await fetch(`${url}/predict`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ text }),
  });
  return { status: answer.status, body: JSON.parse(await answer.text()) };
}

async function kill(server: RunningServer, pid: number) {
  process.kill(pid, 'SIGKILL');
  await until(() => !server.workers().includes(pid));
}

describe('a reload', () => {
  it('fails no request, and answers each by one model alone', async () => {
    const { dir, server } = await serve('swapped', 2);
    const byVersion = new Map<string, number>();
    byVersion.set('v1', (await predict(server)).body.dimensions[0].score);
    let isOver = false;
    const answers: { status: number; version: string; score: number }[] = [];
    const client = async () => {
      while (!isOver) {
        const { status, body } = await predict(server);
        const [{ score }] = body.dimensions;
        answers.push({ status, version: body.model.version, score });
      }
    };
    const clients = Promise.all([client(), client(), client()]);
    for (let round = 2; round <= 3; round += 1) {
      await write(dir, `v${round}`, round);
      expect(await server.reload()).toMatchObject({ version: `v${round}` });
      const { status, body } = await predict(server);
      expect([status, body.model.version]).toEqual([200, `v${round}`]);
      byVersion.set(`v${round}`, body.dimensions[0].score);
    }
    isOver = true;
    await clients;
    expect(new Set(byVersion.values()).size).toBe(3);
    for (const { status, version, score } of answers) {
      expect({ status, version, score }).toEqual({
        status: 200,
        version,
        score: byVersion.get(version),
      });
    }
    expect((await get(`${server.url}/info`)).model.version).toBe('v3');
    expect((await get(`${server.url}/health`)).model.version).toBe('v3');
    expect(server.model.version).toBe('v3');
    const exposition = await (await fetch(`${server.url}/metrics`)).text();
    const told = [...samples(exposition).keys()].filter((one) => one.includes('mbti_model_info'));
    expect(told).toEqual(['mbti_model_info{name="tiny",version="v3",precision="fp32"}']);
    const counted = total(exposition, 'mbti_request_duration_seconds_count', 'route="/predict"');
    expect(counted).toBe(answers.length + 3);
  });

  it('of a damaged bundle keeps the old model, and says why in the log', async () => {
    const { dir, server, log } = await serve('damaged', 1);
    const before = server.workers();
    lengthen(dir, 'onnx/model.onnx');
    await expect(server.reload()).rejects.toMatchObject({ code: 'bundle_invalid' });
    expect(log()).toMatch(/not reloaded.*onnx\/model\.onnx does not match the manifest/);
    expect(server.workers()).toEqual(before);
    expect(await predict(server)).toMatchObject({
      status: 200,
      body: { model: { version: 'v1' } },
    });
  });

  it('of a graph that cannot be loaded ends the engines that tried, and keeps the old ones', async () => {
    const { dir, server, log } = await serve('broken', 2);
    const before = server.workers();
    // ONNX of version 7, with nothing in it.
    writeFileSync(join(dir, 'onnx/model.onnx'), Buffer.of(0x08, 0x07));
    sign(dir, 'onnx/model.onnx', 'v2');
    await expect(server.reload()).rejects.toMatchObject({ code: 'bundle_invalid' });
    expect(log()).toMatch(/not reloaded.*cannot be loaded/);
    expect(server.workers()).toEqual(before);
    expect((await get(`${server.url}/health`)).model.version).toBe('v1');
  });

  it('takes the name of the new bundle too', async () => {
    const { dir, server } = await serve('renamed', 1);
    await writeTinyBundle(dir, { name: 'other', version: 'v2' });
    expect(await server.reload()).toMatchObject({ name: 'other', version: 'v2' });
    expect((await get(`${server.url}/v2/models/other`)).versions).toEqual(['v2']);
    expect((await predict(server)).body.model).toEqual({ name: 'other', version: 'v2' });
  });

  it('that is asked for during another one comes after it', async () => {
    const { dir, server } = await serve('twice', 1);
    // It may find the folder while it is replaced.
    const first = server.reload().catch(() => {});
    await pause(0);
    await write(dir, 'v2', 2);
    expect((await server.reload()).version).toBe('v2');
    await first;
  });

  it('does not outlive a server that stops', async () => {
    const { server } = await serve('stopped', 1);
    const reload = server.reload().then(
      () => 'served',
      (error: { code: string }) => error.code,
    );
    await Promise.all(open.splice(0).map((one) => one.stop()));
    expect(['served', 'not_ready']).toContain(await reload);
    expect(server.workers()).toEqual([]);
  });
});

describe('an engine that is started again', () => {
  it('takes files that were replaced by the same', async () => {
    const { dir, server } = await serve('same', 2);
    await write(dir, 'v1', 1);
    const [pid = 0] = server.workers();
    await kill(server, pid);
    await until(() => server.workers().length === 2);
    expect((await predict(server)).status).toBe(200);
  });

  it('refuses files that are not those of its model, while the others serve on', async () => {
    const { dir, server, log } = await serve('edited', 2);
    const content = readFileSync(join(dir, 'tokenizer.json'));
    lengthen(dir, 'tokenizer.json');
    const [pid = 0, other] = server.workers();
    await kill(server, pid);
    await until(() => log().includes('tokenizer.json has changed since'));
    expect(server.workers()).toEqual([other]);
    expect((await predict(server)).body.model.version).toBe('v1');
    writeFileSync(join(dir, 'tokenizer.json'), content);
    await until(() => server.workers().length === 2);
  });

  it('makes the server take the new bundle when no engine of the old one is left', async () => {
    const { dir, server } = await serve('lost', 2);
    lengthen(dir, 'tokenizer.json');
    sign(dir, 'tokenizer.json', 'v2');
    for (const pid of server.workers()) await kill(server, pid);
    await until(() => server.model.version === 'v2');
    expect((await predict(server)).body.model.version).toBe('v2');
  });
});

describe('mbti-serve', () => {
  it('reloads the bundle on SIGHUP', async () => {
    const dir = join(folder.path, 'signalled');
    await write(dir, 'v1', 1);
    const server = await serveProcess('--model', dir, '--workers', '1');
    await write(dir, 'v2', 2);
    server.child.kill('SIGHUP');
    await until(async () => (await predict(server)).body.model.version === 'v2');
    expect((await get(`${server.url}/info`)).model.version).toBe('v2');
    server.child.kill('SIGTERM');
    expect(await server.ended).toBe(0);
  });

  it('with server.watch reloads a bundle that changes', async () => {
    const dir = join(folder.path, 'watched');
    await write(dir, 'v1', 1);
    const server = await serveProcess('--model', dir, '--workers', '1', 'server.watch=true');
    await write(dir, 'v2', 2);
    await until(async () => (await predict(server)).body.model.version === 'v2');
  });
});
