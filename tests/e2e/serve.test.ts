import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { InferenceSession, Tensor } from 'onnxruntime-node';
import { loadConfig } from '../../src/config/index.ts';
import { type RunningServer, startServer } from '../../src/server.ts';
import { probabilities } from '../../src/task/index.ts';
import { createLogger } from '../../src/telemetry/index.ts';
import { cleanText, TextTokenizer, tokenWindows } from '../../src/text/index.ts';
import { total } from '../support/exposition.ts';
import { sendRaw } from '../support/raw-http.ts';
import { runBin } from '../support/run-bin.ts';
import { commandHost } from '../support/run-commands.ts';
import { serveProcess } from '../support/serve-process.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';
import { mbtiTask, tinyMaxLength, writeTinyBundle } from '../support/tiny-bundle.ts';

const folder = temporaryFolder();
const bundle = join(folder.path, 'mbti');
const words =
  'quiet evening garden argue plans long warm day friends come reading alone party'.split(' ');
/** A text of so many words, another for every seed. */
const textOf = (length: number, seed: number) =>
  Array.from(
    { length },
    (_, i) => words[(i * 7 + seed * 3 + ((i * seed) % 5)) % words.length],
  ).join(' ');

interface Answer {
  readonly mbti_type: string;
  readonly dimensions: readonly { readonly score: number }[];
  readonly usage: {
    readonly tokens: number;
    readonly windows: number;
    readonly truncated: boolean;
  };
}

async function post(
  url: string,
  body: object,
): Promise<{ status: number; body: Answer & { predictions: Answer[] } }> {
  const answer = await fetch(`${url}/predict`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  });
  return { status: answer.status, body: JSON.parse(await answer.text()) };
}

const getText = async (url: string) => (await fetch(url)).text();
const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

/** The same scores from the runtime itself. */
async function direct(text: string): Promise<number[]> {
  const session = await InferenceSession.create(join(bundle, 'onnx/model.onnx'), {
    intraOpNumThreads: 1,
    interOpNumThreads: 1,
  });
  const tokenizer = TextTokenizer.load(bundle);
  const windows = tokenWindows(tokenizer.encode(cleanText(text, 'mbti')), tinyMaxLength, tokenizer);
  const sums = [0, 0, 0, 0];
  for (const window of windows) {
    const dims = [1, window.length];
    const { logits } = await session.run({
      input_ids: new Tensor('int64', BigInt64Array.from(window, BigInt), dims),
      attention_mask: new Tensor('int64', new BigInt64Array(window.length).fill(1n), dims),
    });
    for (const [axis, p] of probabilities(mbtiTask, logits!.data as Float32Array).entries()) {
      sums[axis]! += p / windows.length;
    }
  }
  return sums;
}

beforeAll(async () => {
  await writeTinyBundle(bundle);
});

describe('a server of a real bundle', () => {
  let server: RunningServer;
  beforeAll(async () => {
    const overrides = [
      'server.port=0',
      'server.host=127.0.0.1',
      'server.workers=2',
      'limits.max_windows=8',
    ];
    const { config } = loadConfig({ overrides, env: {} });
    const logger = createLogger({ level: 'error', format: 'json' });
    server = await startServer({ config, modelDir: bundle, logger });
  });
  afterAll(() => server.stop());

  it('has counted nothing of the warm-up', async () => {
    const exposition = await getText(`${server.url}/metrics`);
    for (const metric of [
      'mbti_tokens_total',
      'mbti_predictions_total',
      'mbti_phase_duration_seconds_count',
      'mbti_requests_total',
    ]) {
      expect([metric, total(exposition, metric)]).toEqual([metric, 0]);
    }
    expect(total(exposition, 'mbti_model_load_seconds')).toBeGreaterThan(0);
    expect(total(exposition, 'mbti_worker_up')).toBeGreaterThanOrEqual(1);
  });

  it.each([3, 12, 30, 60, 90])(
    'gives a text of %i words the scores of onnxruntime-node itself',
    async (length) => {
      const text = textOf(length, length);
      const { status, body } = await post(server.url, { text });
      expect(status).toBe(200);
      expect(body.usage.truncated).toBe(false);
      const expected = await direct(text);
      // The same kernels on the same input: equal to the last bit but for the order of sums.
      body.dimensions.forEach(({ score }, axis) => {
        expect(Math.abs(score - expected[axis]!)).toBeLessThanOrEqual(1e-6);
      });
    },
  );

  it('gives the same scores by the Open Inference Protocol', async () => {
    const texts = [textOf(20, 4), textOf(90, 5)];
    const { body } = await post(server.url, { texts });
    const answer = await fetch(`${server.url}/v2/models/tiny/infer`, {
      method: 'POST',
      body: JSON.stringify({
        inputs: [{ name: 'text', shape: [2], datatype: 'BYTES', data: texts }],
      }),
      headers: { 'content-type': 'application/json' },
    });
    const { outputs } = JSON.parse(await answer.text());
    expect(outputs[1].data).toEqual(body.predictions.map((one) => one.mbti_type));
    const scores = body.predictions.flatMap((one) => one.dimensions.map(({ score }) => score));
    expect(outputs[0].data).toEqual(scores.map(Math.fround));
  });

  it('says how a long text was cut into windows, and when not all of it was scored', async () => {
    const usage = async (length: number) =>
      (await post(server.url, { text: textOf(length, 1) })).body.usage;
    const tokenizer = TextTokenizer.load(bundle);
    const ids = tokenizer.encode(textOf(40, 1)).length;
    expect(ids).toBeGreaterThan(tinyMaxLength);
    const windows = Math.ceil(ids / (tinyMaxLength - 2));
    expect(await usage(40)).toEqual({ tokens: ids + 2 * windows, windows, truncated: false });
    expect(await usage(2000)).toEqual({ tokens: 8 * tinyMaxLength, windows: 8, truncated: true });
  });

  it('gives the same answer whatever else is in flight', async () => {
    const texts = Array.from({ length: 24 }, (_, i) => textOf(3 + i * 2, i));
    const alone: Answer[] = [];
    for (const text of texts) alone.push((await post(server.url, { text })).body);
    const together = await Promise.all(texts.map((text) => post(server.url, { text })));
    expect(together.map(({ body }) => body)).toEqual(alone);
    expect((await post(server.url, { texts })).body.predictions).toEqual(alone);
  });

  it('gives no wrong answer and fails no request while engines are killed', async () => {
    const texts = Array.from({ length: 8 }, (_, i) => textOf(10 + i * 4, i));
    const expected = new Map<string, Answer>();
    for (const text of texts) expected.set(text, (await post(server.url, { text })).body);
    let isOver = false;
    let answered = 0;
    const client = async (text: string) => {
      while (!isOver) {
        const { status, body } = await post(server.url, { text });
        expect([status, body]).toEqual([200, expected.get(text)]);
        answered += 1;
      }
    };
    const clients = Promise.all(texts.map(client));
    let kills = 0;
    while (kills < 4) {
      const before = answered;
      while (answered < before + 20) await pause(5);
      const [pid] = server.workers();
      if (pid === undefined) continue;
      process.kill(pid, 'SIGKILL');
      kills += 1;
      while (server.workers().includes(pid)) await pause(5);
    }
    while (server.workers().length < 2) await pause(10);
    isOver = true;
    await clients;
    const exposition = await getText(`${server.url}/metrics`);
    expect(total(exposition, 'mbti_worker_restarts_total')).toBe(4);
    expect(total(exposition, 'mbti_worker_up')).toBe(2);
  });
});

describe('mbti-serve and signals', () => {
  it('answers all that it has accepted when it gets SIGTERM, then ends with 0', async () => {
    const server = await serveProcess('--model', bundle, '--workers', '1');
    const text = textOf(900, 5);
    const answers = Promise.all(Array.from({ length: 40 }, () => post(server.url, { text })));
    const depth = async () => JSON.parse(await getText(`${server.url}/health`)).queue_depth;
    while ((await depth()) < 20) await pause(5);
    server.child.kill('SIGTERM');
    expect((await answers).map(({ status }) => status)).toEqual(new Array(40).fill(200));
    expect(await server.ended).toBe(0);
    await expect(fetch(`${server.url}/health`)).rejects.toThrow();
  });

  it('answers the connections that had come before SIGTERM and that it had no time to accept', async () => {
    const server = await serveProcess('--model', bundle, '--workers', '1');
    const port = Number(new URL(server.url).port);
    server.child.kill('SIGSTOP');
    const answers = Array.from({ length: 200 }, () =>
      sendRaw(port, ['GET /health/live HTTP/1.1\r\nhost: x\r\n\r\n'], 20_000),
    );
    // The kernel has accepted them all by then; a connection to this machine takes no time.
    await pause(100);
    server.child.kill('SIGTERM');
    server.child.kill('SIGCONT');
    const statuses = (await Promise.all(answers)).map((answer) => answer.slice(0, 12));
    expect(statuses).toEqual(Array(200).fill('HTTP/1.1 200'));
    expect(await server.ended).toBe(0);
  });

  it('serves on during the drain delay, while readiness says no', async () => {
    const server = await serveProcess('--model', bundle, 'server.drain_delay_ms=1500');
    expect((await fetch(`${server.url}/health/ready`)).status).toBe(200);
    server.child.kill('SIGTERM');
    let ready = 200;
    while (ready === 200) ready = (await fetch(`${server.url}/health/ready`)).status;
    expect(ready).toBe(503);
    expect((await post(server.url, { text: textOf(10, 1) })).status).toBe(200);
    expect(await server.ended).toBe(0);
  });

  it('ends at once at the second signal', async () => {
    const server = await serveProcess('--model', bundle, 'server.drain_delay_ms=600000');
    server.child.kill('SIGINT');
    while (!server.output().includes('stopping')) await pause(5);
    server.child.kill('SIGINT');
    expect(await server.ended).toBe(130);
  });

  const onLinux = process.platform === 'linux' ? it : it.skip;
  onLinux('leaves no process behind when it is killed', async () => {
    const server = await serveProcess('--model', bundle, '--workers', '2');
    const { pid } = server.child;
    const engines = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8')
      .trim()
      .split(' ')
      .map(Number);
    expect(engines).toHaveLength(2);
    server.child.kill('SIGKILL');
    const isAlive = (one: number) => {
      try {
        return !/^\d+ \(.*\) [ZX]/.test(readFileSync(`/proc/${one}/stat`, 'utf8'));
      } catch {
        return false;
      }
    };
    while (engines.some(isAlive)) await pause(10);
  });
});

describe('mbti-serve and wrong use', () => {
  const bin = 'src/bin/mbti-serve';
  const { path: cwd } = folder;
  const host = commandHost();
  const serve = (...args: string[]) => host(bin, args, { cwd });
  /** In a process of its own, which has to end by itself. */
  const serveAlone = (...args: string[]) => runBin(bin, args, { cwd });

  it.each<[string, string[], number, RegExp]>([
    [
      'a bundle that does not exist',
      ['--model', 'none'],
      3,
      /^error: .*none does not exist\nhint: /,
    ],
    ['no bundle at the default place', [], 3, /models\/mbti/],
    ['an unknown flag', ['--frobnicate'], 2, /frobnicate/],
    [
      'a port that is no number',
      ['--model', bundle, '--port', 'banana'],
      2,
      /server\.port.*banana/,
    ],
    ['a port out of range', ['--model', bundle, '--port', '70000'], 2, /server\.port.*70000/],
    ['a configuration file that is missing', ['--config', 'none.json'], 2, /none\.json/],
    ['an unknown key', ['server.prt=1'], 2, /server\.prt/],
    [
      'a precision that the bundle lacks',
      ['--model', bundle, 'runtime.precision=int8'],
      1,
      /no int8 model/,
    ],
    [
      'a file of API keys that is missing',
      ['--model', bundle, 'security.api_keys_file=none.json'],
      3,
      /^error: security\.api_keys_file: .*none\.json does not exist\nhint: /,
    ],
  ])('%s', async (_name, args, code, says) => {
    const ended = await serve(...args);
    expect(ended.stderr).toMatch(says);
    expect(ended.stderr).not.toMatch(/^\s+at /m);
    expect(ended.code).toBe(code);
  });

  it('a device that is not there', async () => {
    const ended = await serve('--model', bundle, '--port', '0', 'runtime.device=dml');
    expect(ended.stderr).toMatch(/runtime\.device dml cannot be used/);
    expect(ended.code).toBe(3);
  });

  it('a port in use', async () => {
    const { url } = await serveProcess('--model', bundle, '--workers', '1');
    const ended = await serveAlone(
      '--model',
      bundle,
      '--host',
      '127.0.0.1',
      '--port',
      new URL(url).port,
    );
    expect(ended.stderr).toMatch(/port \d+ of 127\.0\.0\.1 cannot be listened on: it is in use/);
    expect(ended.code).toBe(1);
  });

  it('a graph with another number of logits than axes', async () => {
    const dir = join(folder.path, 'three');
    await writeTinyBundle(dir, { task: { ...mbtiTask, axes: mbtiTask.axes.slice(0, 3) } });
    const ended = await serveAlone('--model', dir, '--port', '0');
    expect(ended.stderr).toMatch(/onnx\/model\.onnx: .*\[1,4\]: expected \[1, 3\]/);
    expect(ended.code).toBe(1);
  });

  it('a manifest with longer windows than the graph has positions', async () => {
    const dir = join(folder.path, 'long');
    await writeTinyBundle(dir, { max_length: 100 });
    const ended = await serve('--model', dir, '--port', '0');
    expect(ended.stderr).toMatch(/onnx\/model\.onnx cannot score 100 tokens/);
    expect(ended.code).toBe(1);
  });

  it('documents every option with --help', async () => {
    const { code, stdout } = await serve('--help');
    expect(code).toBe(0);
    for (const word of [
      '--config',
      '--model',
      '--port',
      '--host',
      '--workers',
      'queue.max_depth',
    ]) {
      expect(stdout).toContain(word);
    }
  });
});
