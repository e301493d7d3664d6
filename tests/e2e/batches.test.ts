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
const servers: RunningServer[] = [];
beforeAll(() => writeTinyBundle(bundle));
afterAll(() => Promise.all(servers.map((server) => server.stop())));

async function serve(...overrides: string[]) {
  const fixed = ['server.port=0', 'server.host=127.0.0.1', 'runtime.precision=fp32'];
  const { config } = loadConfig({ overrides: [...fixed, ...overrides], env: {} });
  const server = await startServer({ config, modelDir: bundle, logger: quietLogger });
  servers.push(server);
  return server;
}

/** Of lengths from a few words to several windows. */
const texts = Array.from(
  { length: 60 },
  (_, i) =>
    `a quiet evening garden and long plans, number ${'very long '.repeat((i * 7) % 40)}${i}`,
);

interface Answer {
  readonly status: number;
  readonly probabilities: Readonly<Record<string, number>>;
  readonly usage: { readonly tokens: number; readonly windows: number };
}

async function ask({ url }: RunningServer, text: string): Promise<Answer> {
  const answer = await fetch(`${url}/predict`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ text }),
  });
  return { ...((await answer.json()) as Answer), status: answer.status };
}

const metricsOf = async ({ url }: RunningServer) => (await fetch(`${url}/metrics`)).text();

describe('texts that are computed together', () => {
  let alone: Answer[];
  beforeAll(async () => {
    const server = await serve('server.workers=1');
    alone = [];
    for (const text of texts) alone.push(await ask(server, text));
  });

  it('have the answers that each has alone, to 1e-5, and are counted as what they are', async () => {
    const server = await serve('server.workers=1', 'runtime.batch_tokens=2048');
    const together = await Promise.all(texts.map((text) => ask(server, text)));
    for (const [i, { status, probabilities, usage }] of together.entries()) {
      expect(status).toBe(200);
      expect(usage).toEqual(alone[i]?.usage);
      for (const [label, p] of Object.entries(probabilities)) {
        expect(Math.abs(p - (alone[i]?.probabilities[label] ?? Number.NaN))).toBeLessThan(1e-5);
      }
    }
    const metrics = await metricsOf(server);
    const tokens = together.reduce((sum, { usage }) => sum + usage.tokens, 0);
    expect(total(metrics, 'mbti_tokens_total')).toBe(tokens);
    expect(total(metrics, 'mbti_batch_tokens_sum')).toBe(tokens);
    const batches = total(metrics, 'mbti_batch_size_count');
    expect(batches).toBeGreaterThan(0);
    // Of one engine and sixty texts at a time, some share a batch; how many depends on how fast they come.
    expect(batches).toBeLessThan(texts.length);
    const phase = (name: string) =>
      samples(metrics).get(`mbti_phase_duration_seconds_count{phase="${name}"}`);
    expect(['tokenize', 'queue', 'compute'].map(phase)).toEqual([60, 60, 60]);
  });

  it('are all answered, and rightly, when their engine is killed', async () => {
    const server = await serve('server.workers=2', 'runtime.batch_tokens=512');
    const asked = texts.map((text) => ask(server, text));
    const [pid = 0] = server.workers();
    process.kill(pid, 'SIGKILL');
    for (const [i, { status, probabilities }] of (await Promise.all(asked)).entries()) {
      expect(status).toBe(200);
      expect(probabilities.E).toBeCloseTo(alone[i]?.probabilities.E ?? Number.NaN, 5);
    }
  });
});

describe('runtime.batch_tokens', () => {
  it('is refused for an int8 file, whose scales would be shared', async () => {
    const int8 = join(folder.path, 'int8');
    await writeTinyBundle(int8, {}, { 'onnx/model_quantized.onnx': Uint8Array.of(8, 8) });
    const { config } = loadConfig({ overrides: ['runtime.batch_tokens=512'], env: {} });
    const started = startServer({ config, modelDir: int8, logger: quietLogger });
    await expect(started).rejects.toMatchObject({ code: 'config_invalid' });
  });
});
